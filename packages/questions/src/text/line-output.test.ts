/** Lines into files and pipes: whole, in order, none lost in silence, whatever the reader does. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { LineOutput } from './line-output.ts';

const CLOSE_TIMEOUT_MS = 10_000;

async function withFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-lines-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What a file holds after `use` has written to it. */
function fileAfter(use: (fd: number) => Promise<void>): Promise<string> {
  return withFolder(async (folder) => {
    const path = join(folder, 'log');
    const fd = openSync(path, 'w');
    await use(fd);
    closeSync(fd);
    return readFileSync(path, 'utf8');
  });
}

function lineOf(index: number, length = 100): string {
  return `${index} `.padEnd(length, 'x') + '\n';
}

/** Writes as many lines of many lengths as it is told, says so, and how it went once all is read. */
const WRITER = `
  import { LineOutput } from ${JSON.stringify(new URL('line-output.ts', import.meta.url).href)};
  const [name, count] = process.argv.slice(1);
  const output = new LineOutput({ fd: 1, pendingBytesMax: 262_144 });
  for (let index = 0; index < Number(count); ) {
    for (let burst = 0; burst < 50; burst++, index++) output.write(name + index + name.repeat((index * 7919) % 3_000) + '\\n');
    await new Promise(setImmediate);
  }
  process.send('written');
  await output.close(60_000);
  process.send({ written: output.writtenCount, dropped: output.droppedCount });
`;

interface Counts {
  readonly written: number;
  readonly dropped: number;
}

/** A pipe as shells make them: what Node makes for a child is a socket. */
async function withPipe<Result>(use: (ends: { reading: number; writing: number }) => Promise<Result>): Promise<Result> {
  return withFolder(async (folder) => {
    const path = join(folder, 'pipe');
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', path]);
    const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return use({ reading, writing: openSync(path, constants.O_WRONLY) });
  });
}

test('a file gets every line, in order', async () => {
  const lines = Array.from({ length: 5_000 }, (_, index) => lineOf(index));
  const written = await fileAfter(async (fd) => {
    const output = new LineOutput({ fd });
    for (const line of lines) output.write(line);
    await output.close(CLOSE_TIMEOUT_MS);
    expect(output).toMatchObject({ writtenCount: 5_000, droppedCount: 0 });
  });
  expect(written).toBe(lines.join(''));
});

test('what has no room is dropped whole and counted, and the next line finds room again', async () => {
  const written = await fileAfter(async (fd) => {
    const output = new LineOutput({ fd, pendingBytesMax: 250 });
    for (let index = 0; index < 5; index++) output.write(lineOf(index));
    expect(output.droppedCount).toBe(3);
    while (output.writtenCount < 2) await setImmediate();
    output.write(lineOf(5));
    output.write(lineOf(6, 5_000));
    await output.close(CLOSE_TIMEOUT_MS);
    output.write(lineOf(7));
    expect(output).toMatchObject({ writtenCount: 3, droppedCount: 5 });
  });
  expect(written).toBe(lineOf(0) + lineOf(1) + lineOf(5));
});

test('what is not ASCII is written as JSON escapes', async () => {
  const written = await fileAfter(async (fd) => {
    const output = new LineOutput({ fd });
    output.write(`${JSON.stringify('é\u001b€')}\n`);
    await output.close(CLOSE_TIMEOUT_MS);
  });
  expect(written).toBe('"\\u00e9\\u001b\\u20ac"\n');
});

test('lines of several processes in one pipe are never mixed, though nobody reads it for a while', async () => {
  const linesCount = 2_000;
  await withPipe(async ({ reading, writing }) => {
    const writers = ['a', 'b', 'c'].map((name) => {
      const args = ['--input-type=module', '-e', WRITER, name, `${linesCount}`];
      return { name, child: spawn(process.execPath, args, { stdio: ['ignore', writing, 'inherit', 'ipc'] }) };
    });
    closeSync(writing);
    await Promise.all(writers.map(({ child }) => once(child, 'message')));
    const ends = Promise.all(writers.map(({ child }) => once(child, 'message').then(([counts]) => counts as Counts)));
    const lines = (await text(new Socket({ fd: reading }))).split('\n').slice(0, -1);
    for (const [index, { written, dropped }] of (await ends).entries()) {
      const { name } = writers[index]!;
      const own = lines.filter((line) => line.startsWith(name));
      expect(own.filter((line) => !new RegExp(`^${name}\\d+${name}*$`).test(line))).toEqual([]);
      expect(own).toHaveLength(written);
      expect(written + dropped).toBe(linesCount);
      expect(dropped).toBeGreaterThan(0);
    }
    expect(lines.filter((line) => !/^[abc]/.test(line))).toEqual([]);
  });
});

test('a pipe whose reader is gone costs the lines, and they are counted', async () => {
  await withPipe(async ({ reading, writing }) => {
    const output = new LineOutput({ fd: writing });
    closeSync(reading);
    output.write(lineOf(1));
    await output.close(CLOSE_TIMEOUT_MS);
    expect(output).toMatchObject({ writtenCount: 0, droppedCount: 1 });
    closeSync(writing);
  });
});

test('a pipe that nobody reads does not keep a process from ending', async () => {
  await withPipe(async ({ reading, writing }) => {
    const output = new LineOutput({ fd: writing });
    for (let index = 0; index < 1_000; index++) output.write(lineOf(index));
    await output.close(10);
    expect(output.writtenCount).toBeGreaterThan(0);
    expect(output.writtenCount).toBeLessThan(1_000);
    closeSync(reading);
    closeSync(writing);
  });
});

test('a reader that is never quite done holds no more than may be pending', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await withPipe(async ({ reading, writing }) => {
    const output = new LineOutput({ fd: writing, pendingBytesMax: 1_048_576 });
    const read = Buffer.alloc(65_536);
    collect();
    const before = process.memoryUsage().heapUsed;
    let readBytes = 0;
    for (let index = 0; readBytes < 32 * 1_048_576; index++) {
      // It is filled anew long before it is empty.
      for (let line = 0; line < 32; line++) output.write(lineOf(index, 4_000));
      try {
        readBytes += readSync(reading, read);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
      await setImmediate();
    }
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 1_048_576);
    await output.close(0);
  });
});
