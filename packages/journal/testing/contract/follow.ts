/** Contract: followers, their marks, their pace and their end. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { ContractTests } from './subject.ts';
import { FOLLOW_BATCH_EVENTS, type Journal } from '../../src/journal.ts';
import { appendMany, collect, FollowerUnderTest, mustAppend, OTHER_SUBJECT, sampleEvent } from './samples.ts';

const RACE_SEED = 20_260_731;

/** One race: appends trickle in, paused as given, while a follower starts somewhere before them. */
async function raceFollowerAgainstAppends(journal: Journal, race: { behind: number; pauses: number[] }): Promise<void> {
  const before = (await appendMany(journal, race.behind, { subject: OTHER_SUBJECT })).sort((a, b) => a - b);
  const afterRevision = before[Math.floor(before.length / 2)] ?? (await journal.head()).revision;
  const appending = (async () => {
    const appends: Promise<{ revision: number }>[] = [];
    for (const pause of race.pauses) {
      appends.push(mustAppend(journal, sampleEvent()));
      for (let turn = 0; turn < pause; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    return Math.max(...(await Promise.all(appends)).map(({ revision }) => revision));
  })();
  using follower = new FollowerUnderTest(journal, afterRevision);
  const followed = [...(await follower.untilCaughtUp()).events];
  const newest = await appending;
  if ((followed.at(-1)?.revision ?? 0) < newest) followed.push(...(await follower.untilRevision(newest)));
  expect(followed).toEqual(await collect(journal.read({ fromRevision: afterRevision + 1 })));
}

export const followTests: ContractTests = {
  'a follower of an empty journal is caught up at once, and then handed what comes': async ({ journal }) => {
    using follower = new FollowerUnderTest(journal);
    expect(await follower.nextItem()).toEqual({ kind: 'caught-up', revision: 0 });
    const { revision } = await mustAppend(journal, sampleEvent());
    expect(await follower.nextItem()).toMatchObject({ kind: 'events', events: [{ revision }] });
  },

  'from the start, from the middle and from the head: everything after it, then one mark': async ({ journal }) => {
    const revisions = (await appendMany(journal, 10)).sort((a, b) => a - b);
    const newest = revisions.at(-1)!;
    for (const [afterRevision, missing] of [
      [0, 0],
      [revisions[4]!, 5],
      [newest, 10],
    ] as const) {
      using follower = new FollowerUnderTest(journal, afterRevision);
      const { events, revision } = await follower.untilCaughtUp();
      expect(events.map((event) => event.revision)).toEqual(revisions.slice(missing));
      expect(revision).toBe(newest);
    }
  },

  'the mark comes once, and not again while the follower keeps up': async ({ journal }) => {
    await appendMany(journal, 3);
    using follower = new FollowerUnderTest(journal);
    await follower.untilCaughtUp();
    for (let count = 0; count < 20; count += 1) {
      const { revision } = await mustAppend(journal, sampleEvent());
      const item = await follower.nextItem();
      expect(item).toMatchObject({ kind: 'events', events: [{ revision }] });
    }
  },

  'a slow follower is handed everything in bounded batches, and a mark again': async ({ journal }) => {
    using follower = new FollowerUnderTest(journal);
    await follower.untilCaughtUp();
    const burst = (await appendMany(journal, FOLLOW_BATCH_EVENTS * 3 + 1)).sort((a, b) => a - b);
    const followed: number[] = [];
    let item = await follower.nextItem();
    for (; item.kind === 'events'; item = await follower.nextItem()) {
      expect(item.events.length).toBeGreaterThan(0);
      expect(item.events.length).toBeLessThanOrEqual(FOLLOW_BATCH_EVENTS);
      followed.push(...item.events.map(({ revision }) => revision));
    }
    expect(followed).toEqual(burst);
    expect(item).toEqual({ kind: 'caught-up', revision: burst.at(-1) });
  },

  'two followers at different paces see the same': async ({ journal }) => {
    using early = new FollowerUnderTest(journal);
    await early.untilCaughtUp();
    const revisions = await appendMany(journal, 100);
    const seenEarly = await early.untilRevision(Math.max(...revisions));
    await appendMany(journal, 100, { subject: OTHER_SUBJECT });
    const newest = (await journal.head()).revision;
    using late = new FollowerUnderTest(journal);
    const seenLate = await late.untilRevision(newest);
    seenEarly.push(...(await early.untilRevision(newest)));
    expect(seenEarly).toEqual(seenLate);
    expect(seenLate).toHaveLength(200);
  },

  'appends that race with the start of a follower are handed over once each, in order': async ({ journal }) => {
    const race = fc.record({
      behind: fc.integer({ min: 0, max: 40 }),
      pauses: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 60 }),
    });
    const property = fc.asyncProperty(race, (given) => raceFollowerAgainstAppends(journal, given));
    await fc.assert(property, { seed: RACE_SEED, numRuns: 40 });
  },

  'an abort ends the iteration, while it waits and between two items': async ({ journal }) => {
    await appendMany(journal, 3);
    using waiting = new FollowerUnderTest(journal);
    await waiting.untilCaughtUp();
    const next = waiting.next();
    waiting.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    using between = new FollowerUnderTest(journal);
    await between.nextItem();
    between.abort();
    expect(await between.next()).toEqual({ done: true, value: undefined });
    using aborted = new FollowerUnderTest(journal);
    aborted.abort();
    expect(await aborted.next()).toEqual({ done: true, value: undefined });
  },

  'a follower that names its epoch goes on in that one, and is told of another': async ({ journal }) => {
    const [revision] = await appendMany(journal, 2);
    const { epoch } = await journal.head();
    using same = new FollowerUnderTest(journal, revision, epoch);
    expect((await same.untilCaughtUp()).events).toHaveLength(1);
    using other = new FollowerUnderTest(journal, revision, 'of-another-history');
    expect(await other.nextItem()).toEqual({ kind: 'epoch-changed', epoch });
    expect(await other.next()).toEqual({ done: true, value: undefined });
  },

  'a follower from a revision that the journal never had is told of the other epoch': async ({ journal }) => {
    const [revision] = await appendMany(journal, 1);
    using follower = new FollowerUnderTest(journal, revision! + 1_000);
    expect(await follower.nextItem()).toEqual({ kind: 'epoch-changed', epoch: (await journal.head()).epoch });
    expect(await follower.next()).toEqual({ done: true, value: undefined });
  },
};
