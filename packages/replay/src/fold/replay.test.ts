/** Any revision's roster, from wherever a fold can begin, and what is refused. */
import { generatedHistory } from '@muster/membership/testing';
import * as fc from 'fast-check';
import { rosterHash, type RecordedEvent } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { eventsOf, fullFold, hashPoint, pastOf, sourceOf, START_MS, type Past } from '../../testing/past.ts';
import { createReplay } from './replay.ts';
import { ReplayError } from '../log/replay-error.ts';

const SMALL = { checkpoints: { spacingRevisions: 5, decodedMax: 2 } };

async function errorOf(work: Promise<unknown>): Promise<ReplayError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ReplayError);
  return error as ReplayError;
}

describe('a roster at any revision', () => {
  test('equals the full fold, from whatever snapshot or checkpoint, in any order of questions', async () => {
    await fc.assert(
      fc.asyncProperty(
        generatedHistory.filter((events) => events.length > 0),
        fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
        fc.tuple(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 1, max: 9 })),
        async (events, questions, [snapshotEvery, hashEvery]) => {
          const rosters = fullFold(events);
          const isHashed = (revision: number) => revision % hashEvery === 0 || revision === events.at(-1)!.revision;
          const past = pastOf(events, { hasSnapshot: (revision) => revision % snapshotEvery === 0, isHashed });
          const replay = createReplay(sourceOf(past), SMALL);
          for (const question of questions) {
            const { revision } = events[question % events.length]!;
            const { roster, check } = await replay.rosterAt(revision);
            const expected = rosters.get(revision)!;
            expect(rosterHash(roster)).toBe(rosterHash(expected));
            expect([roster.revision, roster.timeMs, roster.rejectedCount]).toEqual([
              expected.revision,
              expected.timeMs,
              expected.rejectedCount,
            ]);
            expect(check.outcome).toBe('checked');
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test('begins at the nearest snapshot, and at what an earlier question left', async () => {
    const source = sourceOf(pastOf(flips(100), { hasSnapshot: (revision) => revision === 60 }));
    const replay = createReplay(source);
    await replay.rosterAt(70);
    expect(source.eventsRead()).toBe(10);
    await replay.rosterAt(75);
    expect(source.eventsRead()).toBe(15);
    await replay.rosterAt(75);
    expect(source.eventsRead()).toBe(15);
  });

  test('passes over a snapshot that is damaged, for an older one', async () => {
    const past = pastOf(flips(40), { hasSnapshot: (revision) => revision % 10 === 0 });
    past.snapshots[2] = { ...past.snapshots[2]!, data: past.snapshots[2]!.data.replace('ready', 'drain') };
    const source = sourceOf(past);
    const { check } = await createReplay(source).rosterAt(35);
    expect(check.outcome).toBe('checked');
    expect(source.eventsRead()).toBe(15);
  });

  test('forgets everything when the journal has another history', async () => {
    const past = pastOf(flips(30));
    const replay = createReplay(sourceOf(past));
    await replay.rosterAt(20);
    const other = pastOf(flips(30, 'drain'));
    Object.assign(past, other, { epoch: 'epoch-2', observations: [] });
    const { roster, check } = await replay.rosterAt(20);
    expect(rosterHash(roster)).toBe(rosterHash(fullFold(other.events).get(20)!));
    expect(check.outcome).toBe('unchecked');
  });

  test('is refused before the oldest and after the newest that can be had', async () => {
    const past = pastOf(flips(40), { hasSnapshot: (revision) => revision === 20 });
    Object.assign(past, { events: past.events.slice(20), firstRevision: 21 });
    const replay = createReplay(sourceOf(past));
    expect((await replay.rosterAt(20)).roster.revision).toBe(20);
    const tooOld = await errorOf(replay.rosterAt(19));
    expect(tooOld).toMatchObject({ code: 'compacted', revision: 20 });
    expect(tooOld.message).toContain('the oldest state that can be had is revision 20');
    expect(await errorOf(replay.rosterAt(41))).toMatchObject({ code: 'unknown-instant', revision: 40 });
  });
});

describe('the self-check', () => {
  test('goes on to the next recorded hash where there is none at the revision itself', async () => {
    const past = pastOf(flips(40), { isHashed: (revision) => revision === 33 });
    const { check } = await createReplay(sourceOf(past)).rosterAt(20);
    expect(check).toMatchObject({ outcome: 'checked', revision: 33, recordedBy: 'node lb-1' });
  });

  test('takes the hash of a stored snapshot where no node recorded one', async () => {
    const past = pastOf(flips(40), { isHashed: () => false, hasSnapshot: (revision) => revision === 30 });
    const { check } = await createReplay(sourceOf(past)).rosterAt(20);
    expect(check).toMatchObject({ outcome: 'checked', revision: 30, recordedBy: 'the snapshot at revision 30' });
  });

  test('says what it could not check, and why', async () => {
    const past = pastOf(flips(40), { isHashed: (revision) => revision === 10 });
    const partly = await createReplay(sourceOf(past)).rosterAt(20);
    expect(partly.check).toMatchObject({
      outcome: 'partly-checked',
      revision: 10,
      why: expect.stringMatching(/^no hash is recorded at or soon/) as string,
    });
    past.observations = [];
    const not = await createReplay(sourceOf(past)).rosterAt(20);
    expect(not.check).toMatchObject({
      outcome: 'unchecked',
      why: expect.stringMatching(/ has no observations$/) as string,
    });
  });

  test('names a node that was wrong where another one agrees with the log', async () => {
    const past = pastOf(flips(40), { hashedBy: ['lb-1', 'lb-2'] });
    past.observations.push(
      hashPoint({ revision: 17, node: 'lb-3', hash: '0badc0de0badc0de', timeMs: START_MS + 17_100 }),
    );
    past.observations.sort((left, right) => left.timeMs - right.timeMs);
    const { check } = await createReplay(sourceOf(past)).rosterAt(20);
    const disagreeing = [{ node: 'lb-3', revision: 17, hash: '0badc0de0badc0de' }];
    expect(check).toMatchObject({ outcome: 'checked', disagreeing });
  });
});

describe('the whole log', () => {
  test('is compared at every recorded hash, and short to ask about then', async () => {
    const source = sourceOf(pastOf(flips(100)));
    const replay = createReplay(source, SMALL);
    expect(await replay.verify()).toMatchObject({
      afterRevision: 0,
      toRevision: 100,
      comparedCount: 100,
      check: { outcome: 'checked', revision: 100 },
    });
    const readBefore = source.eventsRead();
    expect((await replay.rosterAt(57)).check.outcome).toBe('checked');
    expect(source.eventsRead() - readBefore).toBe(2);
  });

  test('is refused at the first revision that is not as it was', async () => {
    const past = pastOf(flips(100));
    past.events[56] = { ...past.events[56]!, payload: past.events[55]!.payload };
    expect(await errorOf(createReplay(sourceOf(past), SMALL).verify())).toMatchObject({ revision: 57 });
  });

  test('ends when it is told to', async () => {
    const replay = createReplay(sourceOf(pastOf(flips(100))), SMALL);
    const abort = new AbortController();
    const verification = replay.verify({ signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) });
    await expect(verification).rejects.toThrow('enough');
  });
});

describe('a damaged log is refused, naming the revision', () => {
  test('a byte changed', async () => {
    const past = pastOf(flips(40));
    const changed = past.events[16]!;
    past.events[16] = { ...changed, payload: changed.payload.replace('ready', 'drain').replace('maint', 'ready') };
    const error = await errorOf(createReplay(sourceOf(past)).rosterAt(30));
    expect(error).toMatchObject({
      code: 'hash-differs',
      revision: 17,
      difference: { revision: 17, agreedRevision: 16 },
    });
    expect(error.message).toContain(error.difference!.foldedHash);
    expect(error.message).toContain(error.difference!.recordedHash);
  });

  test('a byte changed anywhere: refused at that revision, or without any effect', async () => {
    const anywhere = fc.tuple(generatedHistory, fc.nat(), fc.nat());
    await fc.assert(
      fc.asyncProperty(
        anywhere.filter(([events]) => events.length > 0),
        async ([generated, which, where]) => {
          const events = generated.map((event, index) => ({ ...event, revision: index + 1 }));
          const past = pastOf(events);
          const index = which % events.length;
          const event = events[index]!;
          const payload = flipByte(event.payload, where);
          past.events[index] = { ...event, payload };
          const head = events.at(-1)!.revision;
          const hasEffect = rosterHash(fullFold(past.events).get(event.revision)!) !== recordedAt(past, event.revision);
          const asked = createReplay(sourceOf(past)).rosterAt(head);
          const found = await asked.then(
            ({ check }) => check.outcome,
            ({ code, revision }: ReplayError) => `${code} at ${revision}`,
          );
          expect(found).toBe(hasEffect ? `hash-differs at ${event.revision}` : 'checked');
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a range, where hashes are recorded far apart', async () => {
    const past = pastOf(flips(40), { isHashed: (revision) => revision % 10 === 0 });
    past.events[19] = { ...past.events[19]!, payload: '{"type":"BackendModeSet","mode":"maint","reason":"x"}' };
    const error = await errorOf(createReplay(sourceOf(past)).rosterAt(40));
    expect(error.difference).toMatchObject({ revision: 20, agreedRevision: 10, firstSuspectRevision: 11 });
    expect(error.message).toContain('an event from revision 11 to 20');
  });

  test.each([
    ['a gap where a node was', (past: Past) => past.events.splice(16, 1), { code: 'gap', revision: 17 }],
    [
      'a doubled event',
      (past: Past) => past.events.splice(17, 0, past.events[16]!),
      { code: 'doubled-event', revision: 17 },
    ],
    [
      'an event out of order',
      (past: Past) => past.events.splice(19, 0, past.events[16]!),
      { code: 'out-of-order', revision: 17 },
    ],
    [
      'an event that comes again at the end',
      (past: Past) => past.events.push({ ...past.events[16]!, revision: 41 }),
      { code: 'doubled-event', revision: 41 },
    ],
  ])('%s', async (_what, damage, expected) => {
    const past = pastOf(flips(40));
    damage(past);
    const { revision } = past.events.at(-1)!;
    expect(await errorOf(createReplay(sourceOf(past)).rosterAt(revision))).toMatchObject(expected);
  });

  test('a gap, where no later hash shows that nothing was there', async () => {
    const past = pastOf(flips(40), { isHashed: (revision) => revision <= 10 });
    past.events.splice(16, 1);
    const error = await errorOf(createReplay(sourceOf(past)).rosterAt(30));
    expect(error).toMatchObject({ code: 'gap', revision: 17 });
    expect(error.message).toContain('revision 17 is missing');
  });

  test('but numbers that the journal skipped are fine where nodes recorded hashes after them', async () => {
    const skipping = flips(40).map((event) => ({ ...event, revision: event.revision * 3 }));
    const { check } = await createReplay(sourceOf(pastOf(skipping))).rosterAt(90);
    expect(check).toMatchObject({ outcome: 'checked', revision: 90 });
  });
});

function recordedAt(past: Past, revision: number): string | undefined {
  for (const point of past.observations) if (point.kind === 'hash' && point.revision === revision) return point.hash;
  return undefined;
}

function flipByte(payload: string, where: number): string {
  if (payload.length === 0) return '!';
  const at = where % payload.length;
  const changed = String.fromCharCode(payload.charCodeAt(at) ^ 1);
  return payload.slice(0, at) + changed + payload.slice(at + 1);
}

/** A pool, a backend, and its mode set to and fro. */
function flips(count: number, mode = 'maint'): RecordedEvent[] {
  const modes = Array.from({ length: count - 2 }, (_, index): [string, object] => {
    return ['backend.p.b-1', { type: 'BackendModeSet', mode: index % 2 === 0 ? mode : 'ready' }];
  });
  return eventsOf(
    ['pool.p', { type: 'PoolDefined' }],
    ['backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' }],
    ...modes,
  );
}
