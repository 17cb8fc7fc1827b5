/** Both ends of the thread: its death, the limits on what is in flight, and the clock. */
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { APPENDS_IN_FLIGHT_MAX, PAYLOAD_BYTES_MAX } from '@muster/journal';
import { expect, test } from 'vitest';
import { openEmbeddedJournal, openOnThread } from './embedded-journal.ts';

const event = (id: string, payload = '{}') => ({ id, subject: 'muster.test.pool.p', origin: null, payload });
const temporaryDirectory = () => mkdtempDisposableSync(join(tmpdir(), 'muster-journal-thread-'));

/** A thread that opens, leaves every append unanswered, and ends as given when a snapshot is asked for. */
const endingThread = (end: string) => `
  const { parentPort } = require('node:worker_threads');
  parentPort.postMessage({ kind: 'opened', head: { epoch: 'e', revision: 0, firstRevision: 1 } });
  parentPort.on('message', ({ kind }) => { if (kind === 'load-snapshot') { ${end} } });`;

test.for([
  ['process.exit(3)', 'its thread ended'],
  ['throw new Error("a defect")', 'a defect'],
])('a thread that ends by %s: what waits is unknown or fails, and so does all after it', async ([end, reason]) => {
  const worker = new Worker(endingThread(end!), { eval: true });
  const journal = await openOnThread(worker, { path: 'node.journal' });
  const { signal } = new AbortController();
  const follower = journal.follow({ afterRevision: 0, signal })[Symbol.asyncIterator]();
  expect(await follower.next()).toMatchObject({ value: { kind: 'caught-up' } });

  const [append, snapshot, item] = await Promise.allSettled([
    journal.append(event('a')),
    journal.loadSnapshot(),
    follower.next(),
  ]);
  const failed = { name: 'JournalError', code: 'failed', message: expect.stringContaining(reason!) };
  expect(append).toMatchObject({ value: { outcome: 'unknown', message: expect.stringContaining(reason!) } });
  expect(snapshot).toMatchObject({ reason: failed });
  expect(item).toMatchObject({ reason: failed });
  expect(await journal.append(event('b'))).toMatchObject({ outcome: 'unavailable' });
  await expect(journal.head()).rejects.toMatchObject(failed);
  await journal.close();
});

/** A thread that opens and answers the first message that it gets with these. */
const answeringThread = (...answers: readonly object[]) => `
  const { parentPort } = require('node:worker_threads');
  parentPort.postMessage({ kind: 'opened', head: { epoch: 'e', revision: 0, firstRevision: 1 } });
  parentPort.once('message', () => { for (const answer of ${JSON.stringify(answers)}) parentPort.postMessage(answer); });`;

const appended = (append: number) => {
  return { append, outcome: { outcome: 'appended', revision: append, timeMs: 1, isDuplicate: false } };
};

test.for([
  ['an append that was never sent', [{ kind: 'committed', answers: [appended(1), appended(9)] }], 'append 9'],
  ['an append twice in one group', [{ kind: 'committed', answers: [appended(1), appended(1)] }], 'append 1'],
  ['a request that was never made', [{ kind: 'answer', request: 4, answer: null }], 'request 4'],
  ['the failure of no request', [{ kind: 'request-failed', request: 4, code: 'failed', message: '' }], 'request 4'],
] as const)('an answer to %s ends the use of the journal in words', async ([, answers, named]) => {
  const worker = new Worker(answeringThread(...answers), { eval: true });
  const journal = await openOnThread(worker, { path: 'node.journal' });
  const outcomes = await Promise.all([journal.append(event('a')), journal.append(event('b'))]);
  const message = expect.stringMatching(new RegExp(`node.journal failed: its thread answered ${named}, which nobody`));
  expect(outcomes).toMatchObject([
    { outcome: 'unknown', message },
    { outcome: 'unknown', message },
  ]);
  expect(await journal.append(event('c'))).toMatchObject({ outcome: 'unavailable', message });
  await expect(journal.head()).rejects.toMatchObject({ name: 'JournalError', code: 'failed', message });
  await journal.close();
});

test('one append more than may be in flight is unavailable, and all others are stored', async () => {
  using directory = temporaryDirectory();
  await using journal = await openEmbeddedJournal({ path: join(directory.path, 'node.journal') });
  const appends = Array.from({ length: APPENDS_IN_FLIGHT_MAX + 1 }, (_, index) => journal.append(event(`e-${index}`)));
  const outcomes = await Promise.all(appends);
  expect(outcomes.at(-1)).toMatchObject({
    outcome: 'unavailable',
    message: expect.stringContaining('appends waiting'),
  });
  expect(outcomes.filter(({ outcome }) => outcome === 'appended')).toHaveLength(APPENDS_IN_FLIGHT_MAX);
  expect(await journal.append(event('next'))).toMatchObject({
    outcome: 'appended',
    revision: APPENDS_IN_FLIGHT_MAX + 1,
  });
});

test('payloads in flight have a limit together, and its room comes back', async () => {
  using directory = temporaryDirectory();
  await using journal = await openEmbeddedJournal({ path: join(directory.path, 'node.journal') });
  const payload = 'x'.repeat(PAYLOAD_BYTES_MAX);
  const outcomes = await Promise.all(
    Array.from({ length: 65 }, (_, index) => journal.append(event(`e-${index}`, payload))),
  );
  expect(outcomes.map(({ outcome }) => outcome)).toEqual([...Array<string>(64).fill('appended'), 'unavailable']);
  expect(await journal.append(event('next', payload))).toMatchObject({ outcome: 'appended', revision: 65 });
});

test('time comes from the clock that was given and never goes back, also over a restart', async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'node.journal');
  const times = [1_000, 3_000.7, 2_000, 2_500];
  const now = () => times.shift()!;
  const stored: number[] = [];
  for (const ids of [['a', 'b', 'c'], ['d']]) {
    await using journal = await openEmbeddedJournal({ path, now });
    for (const id of ids) await journal.append(event(id));
    stored.splice(0);
    for await (const { timeMs } of journal.read()) stored.push(timeMs);
  }
  expect(stored).toEqual([1_000, 3_000, 3_000, 3_000]);
});
