/** The file: who may open it, what is refused, and what damage costs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempDisposableSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openEmbeddedJournal } from './embedded-journal.ts';

const event = (id: string) => ({ id, subject: 'muster.test.pool.p', origin: null, payload: `{"id":"${id}"}` });
const temporaryDirectory = () => mkdtempDisposableSync(join(tmpdir(), 'muster-journal-file-'));

/** A journal with so many events, closed. */
async function makeJournal(path: string, eventCount: number): Promise<void> {
  await using journal = await openEmbeddedJournal({ path });
  await Promise.all(Array.from({ length: eventCount }, (_, index) => journal.append(event(`e-${index}`))));
}

async function readAll(path: string): Promise<void> {
  await using journal = await openEmbeddedJournal({ path });
  for await (const { id } of journal.read()) expect(id).toMatch(/^e-/);
}

test('a second process is refused, is told who holds the journal, and may have it after a kill -9', async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'node.journal');
  const program = `
    const { openEmbeddedJournal } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
    await openEmbeddedJournal({ path: ${JSON.stringify(path)} });
    process.stdout.write('opened');`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(holder, 'exit');
  await once(holder.stdout, 'data');
  await expect(openEmbeddedJournal({ path })).rejects.toMatchObject({
    name: 'JournalError',
    code: 'locked',
    message: `the journal ${path} is held by process ${holder.pid}; stop that process, or give this node a journal of its own`,
  });
  holder.kill('SIGKILL');
  await exited;
  expect(readFileSync(`${path}.owner`, 'utf8')).toBe(`${holder.pid}\n`);
  await using journal = await openEmbeddedJournal({ path });
  expect(await journal.append(event('a'))).toMatchObject({ outcome: 'appended', revision: 1 });
});

test('the same process is refused a second time as well, and closing frees the journal', async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'node.journal');
  const first = await openEmbeddedJournal({ path });
  await expect(openEmbeddedJournal({ path })).rejects.toMatchObject({ code: 'locked' });
  expect(await first.append(event('a'))).toMatchObject({ outcome: 'appended' });
  await first.close();
  await using second = await openEmbeddedJournal({ path });
  expect((await second.head()).revision).toBe(1);
});

test('a file that is not a journal is refused and left as it was', async () => {
  using directory = temporaryDirectory();
  const text = join(directory.path, 'text');
  writeFileSync(text, 'servers = ["a", "b"]\n'.repeat(100));
  const before = readFileSync(text);
  await expect(openEmbeddedJournal({ path: text })).rejects.toMatchObject({
    code: 'unreadable',
    message: `${text} is not a journal; name another path, or move that file away`,
  });
  expect(readFileSync(text)).toEqual(before);

  const foreign = join(directory.path, 'foreign.db');
  using database = new DatabaseSync(foreign);
  database.exec('CREATE TABLE invoices (number INTEGER)');
  database.close();
  const foreignBefore = readFileSync(foreign);
  await expect(openEmbeddedJournal({ path: foreign })).rejects.toMatchObject({
    code: 'unreadable',
    message: expect.stringContaining('is a SQLite database, but not a journal'),
  });
  expect(readFileSync(foreign)).toEqual(foreignBefore);
});

test('a journal of a newer format is refused', async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'node.journal');
  await makeJournal(path, 1);
  using database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 2');
  database.close();
  await expect(openEmbeddedJournal({ path })).rejects.toMatchObject({
    code: 'unreadable',
    message: `the journal ${path} has format 2; this program reads format 1: use a newer one`,
  });
});

test('a damaged journal says so where it is damaged', async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'node.journal');
  await makeJournal(path, 2_000);
  truncateSync(path, 40_960);
  const damaged = { code: 'unreadable', message: expect.stringContaining('is damaged: ') };
  await expect(readAll(path)).rejects.toMatchObject(damaged);
});

test('a torn end of the write-ahead log costs what was not whole, and nothing before it', async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'node.journal');
  await using journal = await openEmbeddedJournal({ path });
  for (let count = 0; count < 5; count += 1) await journal.append(event(`e-${count}`));
  // Reading the open files would drop the lock, which nobody contends here.
  const [database, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
  const FRAME_BYTES = 4_096 + 24;
  const heads: number[] = [];
  for (const cutBytes of [0, 1, FRAME_BYTES, FRAME_BYTES * 6]) {
    const copy = join(directory.path, `${cutBytes}.journal`);
    writeFileSync(copy, database);
    writeFileSync(`${copy}-wal`, log.subarray(0, log.length - cutBytes));
    await using restored = await openEmbeddedJournal({ path: copy });
    const { revision } = await restored.head();
    heads.push(revision);
    let read = 0;
    for await (const stored of restored.read()) {
      read += 1;
      expect(stored).toMatchObject({ revision: read, payload: `{"id":"e-${read - 1}"}` });
    }
    expect(read).toBe(revision);
    expect(await restored.append(event('next'))).toMatchObject({ outcome: 'appended', revision: revision + 1 });
  }
  expect(heads[0]).toBe(5);
  expect(heads[1]).toBe(4);
  expect(heads).toEqual(heads.toSorted((a, b) => b - a));
});

test('a path that cannot be opened says so', async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'a-directory');
  mkdirSync(path);
  await expect(openEmbeddedJournal({ path })).rejects.toMatchObject({ code: 'failed', isRetryable: true });
  writeFileSync(join(directory.path, 'a-file'), '');
  const beneathFile = openEmbeddedJournal({ path: join(directory.path, 'a-file', 'node.journal') });
  await expect(beneathFile).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('a-file') });
});
