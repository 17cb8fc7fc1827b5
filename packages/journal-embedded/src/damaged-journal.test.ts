/**
 * Journals that something has damaged: bytes, rows, tables, the write-ahead log. Whatever the damage is, the store refuses in words
 * that name the file, or goes on with a log that has no gap; it never throws anything but a `JournalError`.
 */
import {
  copyFileSync,
  existsSync,
  mkdtempDisposableSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalError } from '@muster/journal';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openEmbeddedJournal } from './embedded-journal.ts';
import { EventStore } from './event-store.ts';
import { openJournalFile } from './journal-file.ts';

const EVENTS = 120;
const SEED = Number(process.env['MUSTER_FUZZ_SEED'] ?? 20_261_130);
const CASES = Number(process.env['MUSTER_FUZZ_CASES'] ?? 80);
/** Each case syncs a file to the disk a few times, and the disk may be busy. */
const TIMEOUT_MS = 60_000 + CASES * 500;

type Damage = (path: string) => void;

/** Of the file itself. Bytes of a page's head are as likely to be hit as those of its content. */
const damagedBytes: fc.Arbitrary<Damage> = fc
  .record({
    at: fc.double({ min: 0, max: 0.9999, noNaN: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }),
  })
  .map(({ at, bytes }) => (path) => {
    const content = readFileSync(path);
    content.set(bytes.subarray(0, content.length), Math.floor(at * Math.max(0, content.length - bytes.length)));
    writeFileSync(path, content);
  });
const cutOff: fc.Arbitrary<Damage> = fc
  .double({ min: 0, max: 1, noNaN: true })
  .map((part) => (path) => truncateSync(path, Math.floor(part * readFileSync(path).length)));
const strangeLog: fc.Arbitrary<Damage> = fc
  .uint8Array({ maxLength: 9_000 })
  .map((bytes) => (path) => writeFileSync(`${path}-wal`, bytes));

/** Of rows and tables, as somebody with a SQLite shell does it. */
const statements: fc.Arbitrary<Damage> = fc
  .oneof(
    fc.nat(EVENTS).map((revision) => `DELETE FROM events WHERE revision = ${revision}`),
    fc.nat(EVENTS).map((revision) => `DELETE FROM events WHERE revision > ${revision}`),
    fc.nat(EVENTS).map((revision) => `DELETE FROM events WHERE revision < ${revision}`),
    fc.nat(EVENTS).map((revision) => `UPDATE events SET revision = revision + 1000000 WHERE revision = ${revision}`),
    fc.nat(EVENTS).map((revision) => `UPDATE events SET revision = -1 WHERE revision = ${revision}`),
    fc.nat(EVENTS).map((revision) => `UPDATE events SET payload = '[[[{"' WHERE revision >= ${revision}`),
    fc
      .constantFrom('-5', '9000000000000000', '9007199254740993', '9223372036854775807')
      .chain((timeMs) =>
        fc.nat(EVENTS).map((revision) => `UPDATE events SET time_ms = ${timeMs} WHERE revision >= ${revision}`),
      ),
    fc
      .constantFrom('events', 'subjects', 'snapshots', 'history')
      .chain((table) =>
        fc.constantFrom(
          `DROP TABLE ${table}`,
          `DELETE FROM ${table}`,
          `DROP TABLE ${table}; CREATE TABLE ${table} (a, b)`,
        ),
      ),
    fc.constantFrom(
      `UPDATE history SET epoch = ''`,
      `UPDATE snapshots SET data = 'no roster', hash = ''`,
      'UPDATE snapshots SET revision = revision + 5000000',
      'UPDATE snapshots SET revision = 9223372036854775807 WHERE revision = (SELECT max(revision) FROM snapshots)',
      'UPDATE subjects SET newest_revision = 77777777',
      'DROP TABLE history; CREATE TABLE history (epoch); INSERT INTO history VALUES (5)',
      `CREATE TABLE other AS SELECT revision, time_ms, id, subject, origin, CAST(payload AS BLOB) AS payload FROM events;
       DROP TABLE events; ALTER TABLE other RENAME TO events; CREATE UNIQUE INDEX ids ON events (id)`,
      'PRAGMA user_version = -3',
      'PRAGMA application_id = 7',
    ),
  )
  .map((sql) => (path) => {
    const database = new DatabaseSync(path);
    try {
      database.exec(sql);
    } finally {
      database.close();
    }
  });

const damages = fc.array(
  fc.oneof({ weight: 3, arbitrary: damagedBytes }, cutOff, strangeLog, { weight: 5, arbitrary: statements }),
  { minLength: 1, maxLength: 2 },
);

const append = (id: string) => {
  const event = { id, subject: 'muster.test.pool.p', origin: null, payload: '{}' };
  return { append: 1, event, expectedRevision: null, nowMs: 1_000 };
};

/** A sound journal, closed, so that all of it is in the file. */
function makeSound(path: string): void {
  using file = openJournalFile({ path, fileBytesMax: null });
  const store = new EventStore(file);
  for (let count = 0; count < EVENTS; count += 1)
    store.appendGroup([{ ...append(`e-${count}`), nowMs: 1_000 + count }]);
  for (const revision of [40, 80, EVENTS]) store.saveSnapshot({ epoch: file.epoch, revision, hash: 'h', data: '{}' });
}

/** Everything that a node does with a journal, and what it refuses. Throws what is no refusal in words. */
function useAll(path: string): readonly string[] {
  const refusals: string[] = [];
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      refusals.push(error.message);
    }
  };
  attempt(() => {
    using file = openJournalFile({ path, fileBytesMax: null });
    const store = new EventStore(file);
    const { revision } = store.head();
    attempt(() => {
      for (let next = 1; next <= revision;) {
        const page = store.page(next, revision);
        expect(page.map((event) => event.revision)).toEqual(page.map((_, index) => next + index));
        for (const { timeMs } of page) expect(new Date(timeMs).toISOString()).not.toBe('');
        next += page.length;
        expect(page).not.toHaveLength(0);
      }
    });
    attempt(() => void store.revisionSince(1_050));
    attempt(() => void store.loadSnapshot(Number.MAX_SAFE_INTEGER));
    attempt(() => store.saveSnapshot({ epoch: file.epoch, revision, hash: 'h', data: '{}' }));
    for (const outcome of store.appendGroup([append('new'), append('e-3')])) {
      // A changed payload makes of the event under that id another one.
      const isOther = outcome.outcome === 'refused' && outcome.reason === 'id-taken';
      if ('message' in outcome && !isOther) refusals.push(outcome.message);
    }
  });
  return refusals;
}

test(
  'whatever is damaged, the refusal is in words and names the file, and what is read has no gap',
  () => {
    using directory = mkdtempDisposableSync(join(tmpdir(), 'muster-damaged-'));
    const sound = join(directory.path, 'sound.journal');
    makeSound(sound);
    const path = join(directory.path, 'damaged.journal');
    let runsCount = 0;
    let refusedCount = 0;
    const property = fc.property(damages, (given) => {
      runsCount += 1;
      for (const left of [path, `${path}-wal`, `${path}-journal`]) if (existsSync(left)) rmSync(left);
      copyFileSync(sound, path);
      for (const damage of given) {
        try {
          damage(path);
        } catch {
          // What is damaged already may not take another one.
        }
      }
      const refusals = useAll(path);
      refusedCount += refusals.length > 0 ? 1 : 0;
      for (const message of refusals) expect(message).toContain(path);
    });
    // Where the disk takes long to confirm a write, fewer cases have to do.
    const isEnough = { interruptAfterTimeLimit: TIMEOUT_MS / 2, markInterruptAsFailure: false };
    fc.assert(property, { seed: SEED, numRuns: CASES, ...isEnough });
    expect(refusedCount).toBeGreaterThan(runsCount / 4);
  },
  TIMEOUT_MS,
);

const cases: readonly [what: string, sql: string, message: string][] = [
  ['a row that is gone', 'DELETE FROM events WHERE revision = 60', 'event 60 is missing'],
  ['a beginning that is gone', 'DELETE FROM events WHERE revision < 10', 'its first event is 10 and not 1'],
  ['an end that is gone', 'DELETE FROM events WHERE revision > 110', 'its events 111 to 120 are missing'],
  [
    'no time',
    'UPDATE events SET time_ms = 9000000000000000 WHERE revision = 7',
    'event 7 holds what no journal writes',
  ],
  ['no history', 'DELETE FROM history', 'it does not say which history it holds'],
  ['no table', 'DROP TABLE events', 'no such table: events'],
];

test.for(cases)('%s is named, whether the journal is opened or read', async ([, sql, message]) => {
  using directory = mkdtempDisposableSync(join(tmpdir(), 'muster-damaged-'));
  const path = join(directory.path, 'node.journal');
  makeSound(path);
  {
    using database = new DatabaseSync(path);
    database.exec(sql);
  }
  const reading = (async () => {
    await using journal = await openEmbeddedJournal({ path });
    for await (const event of journal.read()) expect(event.revision).toBeGreaterThan(0);
  })();
  await expect(reading).rejects.toMatchObject({
    name: 'JournalError',
    code: 'unreadable',
    message: expect.stringContaining(`${path} is damaged: ${message}; stop the node, then restore`),
  });
});
