/** I1: a batch gives the roster, the hashes and the rejections that the same events give one by one. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { diff } from './diff.ts';
import { fold } from './evolve.ts';
import { foldBatch, type FoldWitness } from './fold-batch.ts';
import { generatedHistory } from '../../testing/index.ts';
import { rosterHash } from './hash.ts';
import type { RecordedEvent, Rejection } from '../vocabulary/recorded-event.ts';
import { emptyRoster, type Roster } from './roster.ts';
import { encodeSnapshot } from './snapshot.ts';

function oneByOne(events: readonly RecordedEvent[], from: Roster = emptyRoster('demo')) {
  const hashes: string[] = [];
  const rejections: Rejection[] = [];
  let roster = from;
  for (const event of events) {
    const folded = fold(roster, event);
    roster = folded.roster;
    hashes.push(`${roster.revision} ${rosterHash(roster)}`);
    if (folded.rejection !== null) rejections.push(folded.rejection);
  }
  return { roster, hashes, rejections };
}

function inBatches(events: readonly RecordedEvent[], sizes: readonly number[], witness: FoldWitness | null = null) {
  const hashes: string[] = [];
  const rejections: Rejection[] = [];
  const rosters: Roster[] = [emptyRoster('demo')];
  for (let at = 0, turn = 0; at < events.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    const folded = foldBatch(rosters.at(-1)!, events.slice(at, at + size), {
      witness,
      onStep: ({ revision, digest }) => hashes.push(`${revision} ${rosterHash({ digest })}`),
    });
    rosters.push(folded.roster);
    rejections.push(...folded.rejections);
    at += size;
  }
  return { rosters, roster: rosters.at(-1)!, hashes, rejections };
}

const batchSizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

test('I1: however the events are cut into batches, every hash on the way is the same', () => {
  fc.assert(
    fc.property(generatedHistory, batchSizes, (history, sizes) => {
      const single = oneByOne(history);
      const batched = inBatches(history, sizes);
      expect(batched.hashes).toEqual(single.hashes);
      expect(batched.rejections).toEqual(single.rejections);
      expect(encodeSnapshot(batched.roster)).toBe(encodeSnapshot(single.roster));
    }),
    { numRuns: 300 },
  );
});

/** What each accepted event found and left of the backend that its subject names, as texts of their own moment. */
function witnessed(fold: (witness: FoldWitness) => void): string[] {
  const seen: string[] = [];
  const lookUp = ({ pools }: Roster, { subject }: RecordedEvent): unknown => {
    const [, , kind, pool = '', backend = ''] = subject.split('.');
    const found = pools.get(pool);
    return kind === 'backend' ? found?.backends.get(backend) : found && [...found.backends.values()];
  };
  fold((found, event) => {
    const before = lookUp(found, event);
    return (left) => seen.push(JSON.stringify([event.revision, before, left.revision, lookUp(left, event)]));
  });
  return seen;
}

test('a witness sees what each accepted event found and left, however the events are cut', () => {
  fc.assert(
    fc.property(generatedHistory, batchSizes, (history, sizes) => {
      const batched = witnessed((witness) => inBatches(history, sizes, witness));
      const single = witnessed((witness) => {
        let roster = emptyRoster('demo');
        for (const event of history) {
          const onAccepted = witness(roster, event);
          const folded = fold(roster, event);
          roster = folded.roster;
          if (folded.rejection === null) onAccepted?.(roster);
        }
      });
      expect(batched).toEqual(single);
    }),
    { numRuns: 300 },
  );
});

/** A pool of so many backends that its map has several levels, and then changes, removals and additions all over it. */
function largeHistory(backendsCount: number, changesCount: number): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  const publish = (entity: string, event: object) => {
    const revision = events.length + 1;
    const subject = `muster.demo.${entity}`;
    events.push({
      revision,
      timeMs: revision,
      id: `${revision}`,
      subject,
      origin: null,
      payload: JSON.stringify(event),
    });
  };
  publish('pool.p', { type: 'PoolDefined' });
  for (let index = 0; index < backendsCount; index++) {
    publish(`backend.p.b-${index}`, { type: 'BackendRegistered', target: `b-${index}:80` });
  }
  for (let index = 0; index < changesCount; index++) {
    const entity = `backend.p.b-${(index * 7_919) % backendsCount}`;
    if (index % 3 === 0) publish(entity, { type: 'BackendDeregistered' });
    else if (index % 3 === 1) publish(entity, { type: 'BackendModeSet', mode: 'drain' });
    else publish(`backend.p.new-${index}`, { type: 'BackendRegistered', target: `new-${index}:80` });
  }
  return events;
}

test('a roster that was handed out never changes again, whatever is folded after it', () => {
  const history = largeHistory(1_500, 900);
  const { rosters } = inBatches(history, [500]);
  for (const roster of rosters) {
    expect(encodeSnapshot(roster)).toBe(encodeSnapshot(oneByOne(history.slice(0, roster.revision)).roster));
  }
});

test('what is folded one by one after a batch leaves the batch alone', () => {
  const history = largeHistory(1_000, 600);
  const { roster } = foldBatch(emptyRoster('demo'), history.slice(0, 1_300));
  const text = encodeSnapshot(roster);
  const { roster: after } = oneByOne(history.slice(1_300), roster);
  expect(encodeSnapshot(roster)).toBe(text);
  expect(encodeSnapshot(after)).toBe(encodeSnapshot(oneByOne(history).roster));
});

test('the difference between two batches is what the events in between changed', () => {
  const history = largeHistory(1_000, 600);
  const [first, second] = inBatches(history, [1_300, 301]).rosters.slice(1);
  const single = oneByOne(history.slice(0, 1_300)).roster;
  const identify = (before: Roster, after: Roster) =>
    diff(before, after).map((change) => [change.kind, change.before?.id, change.after?.id]);
  expect(identify(first!, second!)).toEqual(identify(single, oneByOne(history).roster));
  expect(identify(first!, second!).length).toBeGreaterThan(100);
});

test('a batch that fails in the middle leaves the next fold as it was', () => {
  const history = largeHistory(10, 3);
  const { roster } = foldBatch(emptyRoster('demo'), history.slice(0, 11));
  const text = encodeSnapshot(roster);
  const failing = () => {
    throw new Error('the listener failed');
  };
  expect(() => foldBatch(roster, history.slice(11), { onStep: failing })).toThrow('the listener failed');
  const once = fold(roster, history[11]!).roster;
  const onceText = encodeSnapshot(once);
  fold(once, history[12]!);
  expect(encodeSnapshot(roster)).toBe(text);
  expect(encodeSnapshot(once)).toBe(onceText);
});
