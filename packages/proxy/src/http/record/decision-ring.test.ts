/** What is kept of the newest requests, and what is not. */
import type { PendingFact } from '@muster/membership';
import { expect, test } from 'vitest';
import { DecisionRing, type DecisionQuery } from './decision-ring.ts';
import { recordedAttempt, recordedExchange, recordedSet } from '../../../testing/http/exchange-records.ts';

const ALL: DecisionQuery = { requestId: null, limit: 100, withCandidates: false };

function ringOf(size: number, ...ids: readonly string[]): DecisionRing {
  const ring = new DecisionRing(size);
  for (const requestId of ids) ring.add(recordedExchange({ requestId }));
  return ring;
}

test('the newest come first, and the oldest are gone once the ring is full', () => {
  const idsOf = (ring: DecisionRing, query = ALL) => ring.find(query).map(({ requestId }) => requestId);
  expect(idsOf(ringOf(3))).toEqual([]);
  expect(idsOf(ringOf(3, 'a', 'b'))).toEqual(['b', 'a']);
  expect(ringOf(3).newest()).toBeNull();
  for (const ids of [['a'], ['b', 'c', 'a'], ['b', 'c', 'd', 'a']]) {
    expect(ringOf(3, ...ids).newest()).toMatchObject({ requestId: 'a', attempts: [{ candidates: { length: 2 } }] });
  }
  const full = ringOf(3, 'a', 'b', 'c', 'd');
  expect(idsOf(full)).toEqual(['d', 'c', 'b']);
  expect(idsOf(full, { ...ALL, limit: 2 })).toEqual(['d', 'c']);
  expect(idsOf(full, { ...ALL, requestId: 'b' })).toEqual(['b']);
  expect(idsOf(full, { ...ALL, requestId: 'a' })).toEqual([]);
});

test('a decision says what was picked, from what, and what became of it', () => {
  const ring = new DecisionRing(2);
  const inputs = { cursor: 1, weights: null, consulted: [{ id: 'b-1', inFlight: 3 }], inFlightTotal: 0 };
  const attempts = [
    recordedAttempt({ outcome: 'connect_failed', detail: 'connection refused', answeredAtMs: -1 }),
    recordedAttempt({ backend: 'b-1', triedIds: ['b-0'], startedAtMs: 0.5, inputs }),
  ];
  ring.add(recordedExchange({ attempts }));
  const [decision] = ring.find(ALL);
  expect(decision).toMatchObject({
    requestId: 'r-1',
    timeMs: 1_000,
    path: '/spells',
    queryBytes: 13,
    pool: 'spells',
    status: 200,
    termination: 'finished',
    result: 'the answer was relayed',
    attemptsCount: 2,
    attempts: [
      { backend: 'b-0', outcome: 'connect_failed', detail: 'connection refused', answeredAtMs: null, revision: 7 },
      { backend: 'b-1', triedIds: ['b-0'], startedAtMs: 0.5, inputs, policy: 'round_robin', candidatesCount: 2 },
    ],
  });
  expect(JSON.parse(JSON.stringify(decision))).toEqual(decision);
});

test('a slot that is used again says nothing of the request before', () => {
  const refused = { ...recordedAttempt(), reason: 'connect_failed' } as const;
  const ring = new DecisionRing(1);
  ring.add(
    recordedExchange({ attempts: [recordedAttempt(), recordedAttempt()], detail: 'x', requestBodyBytes: 5, refused }),
  );
  ring.add(recordedExchange({ requestId: 'r-2', attempts: [], pool: null, status: 404, termination: 'no_route' }));
  expect(ring.find(ALL)).toEqual([
    expect.objectContaining({
      requestId: 'r-2',
      attempts: [],
      refused: null,
      pool: null,
      result: 'no route leads from this host and path',
    }),
  ]);
});

test('candidates are shown when asked for, and those of a large pool are only counted', () => {
  const ring = new DecisionRing(2);
  for (const count of [64, 65]) {
    ring.add(recordedExchange({ attempts: [recordedAttempt({ set: recordedSet(count) })] }));
  }
  const attemptsOf = (withCandidates: boolean) =>
    ring.find({ ...ALL, withCandidates }).flatMap(({ attempts }) => attempts);
  expect(attemptsOf(true).map(({ candidates }) => candidates?.length ?? null)).toEqual([null, 64]);
  expect(attemptsOf(true).map(({ candidatesCount }) => candidatesCount)).toEqual([65, 64]);
  expect(attemptsOf(false).map(({ candidates }) => candidates)).toEqual([null, null]);
});

test('a decision says what its set was made of, and who was passed over', () => {
  const fact = { id: 'f', pool: 'spells', backend: 'b-2', timeMs: 400 } as PendingFact;
  const set = { ...recordedSet(2), pendingFacts: [fact] };
  const passedOver = { fullIds: ['b-3'], isStrict: true, onlyIds: ['b-0'] };
  const ring = new DecisionRing(1);
  ring.add(recordedExchange({ attempts: [recordedAttempt({ set, ...passedOver })] }));
  const origin = { revision: 7, rosterRevision: 9, setMadeMs: 500, pendingFacts: [fact], notKept: [] };
  expect(ring.find(ALL)[0]!.attempts).toMatchObject([{ ...origin, ...passedOver }]);
});

test('a list that is too long to be kept is named', () => {
  const listOf = (length: number) => Array.from({ length }, (_, index) => `b-${index}`);
  const factsOf = (length: number) => listOf(length).map((backend) => ({ backend }) as PendingFact);
  const ring = new DecisionRing(1);
  const keep = (length: number) => {
    const set = { ...recordedSet(2), pendingFacts: factsOf(length) };
    ring.add(
      recordedExchange({ attempts: [recordedAttempt({ set, fullIds: listOf(length), onlyIds: listOf(length) })] }),
    );
    return ring.find(ALL)[0]!.attempts[0]!;
  };
  expect(keep(64)).toMatchObject({ fullIds: listOf(64), onlyIds: listOf(64), pendingFacts: factsOf(64), notKept: [] });
  const notKept = ['pendingFacts', 'fullIds', 'onlyIds'];
  expect(keep(65)).toMatchObject({ fullIds: [], onlyIds: [], pendingFacts: [], notKept });
  expect(keep(0)).toMatchObject({ fullIds: [], onlyIds: [], pendingFacts: [], notKept: [] });
});

test('more attempts than eight are counted', () => {
  const ring = new DecisionRing(1);
  ring.add(recordedExchange({ attempts: Array.from({ length: 9 }, () => recordedAttempt()) }));
  expect(ring.find(ALL)[0]).toMatchObject({ attemptsCount: 9, attempts: { length: 8 } });
});
