/** The store on its own: groups, failing disks, pages and times. */
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EventStore } from './event-store.ts';
import { openJournalFile } from './journal-file.ts';
import type { SubmittedAppend } from './messages.ts';

function openStore(fileBytesMax: number | null = null) {
  const directory = mkdtempDisposableSync(join(tmpdir(), 'muster-event-store-'));
  const file = openJournalFile({ path: join(directory.path, 'node.journal'), fileBytesMax });
  const dispose = () => {
    file[Symbol.dispose]();
    directory.remove();
  };
  return { file, store: new EventStore(file), [Symbol.dispose]: dispose };
}

const append = (id: string, parts: Partial<SubmittedAppend> & { payload?: string } = {}): SubmittedAppend => {
  const event = { id, subject: 'muster.test.pool.p', origin: null, payload: parts.payload ?? '{}' };
  return { append: 1, event, expectedRevision: null, nowMs: 1_000, ...parts };
};

/** What SQLite reports when an fsync fails: SQLITE_IOERR_FSYNC. */
const fsyncError = Object.assign(new Error('disk I/O error'), {
  code: 'ERR_SQLITE_ERROR',
  errcode: 1_034,
  errstr: 'disk I/O error',
});

test('each append of a group is decided against the ones before it', () => {
  using opened = openStore();
  const group = [
    append('a', { expectedRevision: 0 }),
    append('b', { expectedRevision: 0 }),
    append('a', { expectedRevision: 0 }),
    append('c', { expectedRevision: 1, nowMs: 500 }),
    append('c'),
  ];
  expect(opened.store.appendGroup(group)).toEqual([
    { outcome: 'appended', revision: 1, timeMs: 1_000, isDuplicate: false },
    { outcome: 'conflict', actualRevision: 1 },
    { outcome: 'appended', revision: 1, timeMs: 1_000, isDuplicate: true },
    { outcome: 'appended', revision: 2, timeMs: 1_000, isDuplicate: false },
    { outcome: 'appended', revision: 2, timeMs: 1_000, isDuplicate: true },
  ]);
});

test('a full file answers unavailable, stores nothing of that group, and takes what still fits', () => {
  using opened = openStore(256 * 1_024);
  const tooMuch = append('large', { payload: 'x'.repeat(300_000) });
  const outcomes = opened.store.appendGroup([append('a'), tooMuch]);
  const unavailable = { outcome: 'unavailable', message: expect.stringContaining('has no room left') };
  expect(outcomes).toEqual([unavailable, unavailable]);
  expect(opened.store.head().revision).toBe(0);
  expect(opened.store.appendGroup([append('a')])).toMatchObject([
    { outcome: 'appended', revision: 1, isDuplicate: false },
  ]);
});

test('a commit that fails on the disk is unknown, and the store goes on', () => {
  using opened = openStore();
  const { database } = opened.file;
  const exec = database.exec.bind(database);
  database.exec = (sql) => {
    if (sql !== 'COMMIT') return exec(sql);
    database.exec = exec;
    throw fsyncError;
  };
  const unknown = { outcome: 'unknown', message: expect.stringContaining('disk I/O error') };
  expect(opened.store.appendGroup([append('a'), append('b')])).toEqual([unknown, unknown]);
  expect(opened.store.appendGroup([append('a')])).toMatchObject([
    { outcome: 'appended', revision: 1, isDuplicate: false },
  ]);
});

test('a page ends early when its payloads are large', () => {
  using opened = openStore();
  opened.store.appendGroup(Array.from({ length: 5 }, (_, n) => append(`e-${n}`, { payload: 'x'.repeat(1_000_000) })));
  expect(opened.store.page(1, 5).map(({ revision }) => revision)).toEqual([1, 2, 3]);
  expect(opened.store.page(4, 5).map(({ revision }) => revision)).toEqual([4, 5]);
});

test('the first revision since a time is found by bisection, also among equal times', () => {
  using opened = openStore();
  for (const [index, nowMs] of [10, 10, 20, 20, 20, 30].entries())
    opened.store.appendGroup([append(`e-${index}`, { nowMs })]);
  expect([0, 10, 11, 20, 21, 30, 31].map((timeMs) => opened.store.revisionSince(timeMs))).toEqual([
    1, 1, 3, 3, 6, 6, 7,
  ]);
});
