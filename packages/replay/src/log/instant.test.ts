/** Every way to name a moment. */
import { expect, test } from 'vitest';
import { parseInstant } from './instant.ts';
import { eventsOf, pastOf, sourceOf, START_MS } from '../../testing/past.ts';
import { createReplay } from '../fold/replay.ts';

const NOW_MS = START_MS + 60_000;
const PAST = pastOf(
  eventsOf(
    ['pool.p', { type: 'PoolDefined' }],
    ['backend.p.b-1', { type: 'BackendRegistered', target: 'a:1' }],
    ['backend.p.b-1', { type: 'BackendModeSet', mode: 'drain', reason: 'deploy' }],
  ),
);

test.each([
  ['now', 3],
  ['2', 2],
  ['0', 0],
  ['event-2', 2],
  [new Date(START_MS + 2_500).toISOString(), 2],
  ['-58s', 2],
  ['-1m', 0],
  ['-57000ms', 3],
])('%s is revision %i', async (text, revision) => {
  const instant = await createReplay(sourceOf(PAST)).resolve(text, NOW_MS);
  expect(instant.revision).toBe(revision);
  expect(instant.event?.revision ?? 0).toBe(revision);
});

test.each([
  ['4', 'has no revision 4: the newest is 3'],
  ['-5', 'is no moment'],
  ['yesterday noon', 'is no moment'],
  ['2027-13-01', 'is no moment'],
  ['2999-01-01T00:00:00Z', 'has not come yet'],
  ['no-such-id', 'has no event with the id'],
])('%s is refused', async (text, message) => {
  const question = createReplay(sourceOf(PAST)).resolve(text, NOW_MS);
  await expect(question).rejects.toMatchObject({ code: 'unknown-instant', message: expect.stringContaining(message) });
});

test('a time of today is that of this machine, or of UTC with a Z', () => {
  const local = new Date(NOW_MS);
  local.setHours(7, 30, 15, 250);
  expect(parseInstant({ text: '7:30:15.25', nowMs: NOW_MS })).toEqual({ kind: 'time', timeMs: local.getTime() });
  const utc = new Date(NOW_MS).setUTCHours(7, 30, 0, 0);
  expect(parseInstant({ text: '07:30Z', nowMs: NOW_MS })).toEqual({ kind: 'time', timeMs: utc });
});

test('what retention removed is said to be gone, with the oldest that can be had', async () => {
  const past = { ...PAST, events: PAST.events.slice(1), firstRevision: 2 };
  const question = createReplay(sourceOf(past)).resolve('-1m', NOW_MS);
  await expect(question).rejects.toMatchObject({ code: 'compacted' });
});

test('a number that the log skips is the event before it', async () => {
  const skipping = PAST.events.map((event) => ({ ...event, revision: event.revision * 10 }));
  const instant = await createReplay(sourceOf(pastOf(skipping))).resolve('25', NOW_MS);
  expect(instant).toMatchObject({ revision: 20, event: { id: 'event-2' } });
});
