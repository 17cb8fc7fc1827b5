/** Whose word counts on a backend's health: this node's own, or that of most live nodes. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backendSet } from './backend-set.ts';
import { eligibility, isEligible, viewpointOf, type Eligibility } from './eligibility.ts';
import type { MembershipEventInput } from '../vocabulary/event.ts';
import { fold } from '../fold/evolve.ts';
import { addPendingFact, withPendingFacts, type PendingFacts } from './pending-facts.ts';
import { emptyRoster, type Roster } from '../fold/roster.ts';

type Published = readonly [entity: string, event: MembershipEventInput];

const pool = (healthView: 'own' | 'quorum'): Published => [
  'pool.p',
  { type: 'PoolDefined', health: { tcp: true }, healthView },
];
const registered: Published = ['backend.p.a', { type: 'BackendRegistered', target: 'a:80' }];
const started = (node: string): Published => [`node.${node}`, { type: 'NodeStarted' }];
const stopped = (node: string): Published => [`node.${node}`, { type: 'NodeStopped', reason: 'lease-expired' }];
const healthy = (node: string, reason = 'status 200'): Published => [
  `health.${node}.p.a`,
  { type: 'BackendTurnedHealthy', target: 'a:80', reason },
];
const unhealthy = (node: string, reason = 'status 503'): Published => [
  `health.${node}.p.a`,
  { type: 'BackendTurnedUnhealthy', target: 'a:80', reason },
];

/** The roster after these events, which have the revisions 1, 2, 3, … */
function given(...events: readonly Published[]): Roster {
  return events.reduce((roster, [entity, event], index) => {
    const folded = fold(roster, {
      revision: index + 1,
      timeMs: index + 1,
      id: `event-${index + 1}`,
      subject: `muster.demo.${entity}`,
      origin: null,
      payload: JSON.stringify(event),
    });
    expect(folded.rejection).toBeNull();
    return folded.roster;
  }, emptyRoster('demo'));
}

function verdict(roster: Roster, node = 'lb-1', pending: PendingFacts = new Map()): Eligibility {
  const { spec, backends } = roster.pools.get('p')!;
  const backend = withPendingFacts(backends.get('a')!, node, pending);
  const viewpoint = viewpointOf(roster, node);
  const result = eligibility(backend, spec, viewpoint);
  expect(isEligible(backend, spec, viewpoint)).toBe(result.isEligible);
  return result;
}

function pendingFact(event: Published[1]): PendingFacts {
  const pending: PendingFacts = new Map();
  addPendingFact(pending, { id: '1', pool: 'p', backend: 'a', timeMs: 1, event: event as never });
  return pending;
}

const ELIGIBLE = { isEligible: true };
/** Revisions 1 to 5; what is published next is 6. */
const threeNodes = [pool('quorum'), registered, started('lb-1'), started('lb-2'), started('lb-3')] as const;

describe('with a quorum', () => {
  test('most live nodes take a backend out, against the own word; the newest of their events is named', () => {
    const votes = [healthy('lb-1'), unhealthy('lb-3', 'status 503'), unhealthy('lb-2', 'connection refused')];
    expect(verdict(given(...threeNodes, ...votes))).toEqual({
      isEligible: false,
      axis: 'health',
      value: 'unhealthy',
      revision: 8,
      reason: '2 of 3 nodes: lb-2, lb-3: connection refused',
    });
  });

  test('most live nodes bring it in, against the own word and before the own first probe', () => {
    const votes = [healthy('lb-2'), healthy('lb-3')];
    expect(verdict(given(...threeNodes, ...votes))).toEqual(ELIGIBLE);
    expect(verdict(given(...threeNodes, ...votes, unhealthy('lb-1')))).toEqual(ELIGIBLE);
  });

  test('without a majority the own word counts, node by node', () => {
    const tie = given(pool('quorum'), registered, started('lb-1'), started('lb-2'), healthy('lb-1'), unhealthy('lb-2'));
    expect(verdict(tie, 'lb-1')).toEqual(ELIGIBLE);
    expect(verdict(tie, 'lb-2')).toMatchObject({ value: 'unhealthy', revision: 6, reason: 'status 503' });
    expect(verdict(given(...threeNodes, healthy('lb-2')))).toMatchObject({ value: 'unknown', revision: 2 });
  });

  test('a node that stopped takes its opinion with it, and brings it back when it starts', () => {
    const votes = [...threeNodes, healthy('lb-1'), unhealthy('lb-2'), unhealthy('lb-3')];
    expect(verdict(given(...votes))).toMatchObject({ isEligible: false, revision: 8 });
    expect(verdict(given(...votes, stopped('lb-3')))).toEqual(ELIGIBLE);
    expect(verdict(given(...votes, stopped('lb-3'), started('lb-3')))).toMatchObject({ isEligible: false });
  });

  test('a node that is not on the roster goes by its own word where the others have no majority', () => {
    expect(verdict(given(pool('quorum'), registered, healthy('lb-1')))).toEqual(ELIGIBLE);
    expect(verdict(given(pool('quorum'), registered, unhealthy('lb-1')))).toMatchObject({
      revision: 3,
      reason: 'status 503',
    });
    const outvoted = given(pool('quorum'), registered, started('lb-2'), unhealthy('lb-2'), healthy('lb-1'));
    expect(verdict(outvoted)).toMatchObject({ revision: 4, reason: '1 of 1 nodes: lb-2: status 503' });
  });

  test('what this node saw as unhealthy takes it out at once, before the journal has it, and only here', () => {
    const roster = given(...threeNodes, healthy('lb-1'), healthy('lb-2'), healthy('lb-3'));
    const pending = pendingFact(unhealthy('lb-1', 'connection refused')[1]);
    expect(verdict(roster, 'lb-1', pending)).toMatchObject({ revision: 0, reason: 'connection refused' });
    expect(verdict(roster, 'lb-2')).toEqual(ELIGIBLE);
  });

  test('what this node saw as healthy is one vote, and does not bring it in against a majority', () => {
    const roster = given(...threeNodes, unhealthy('lb-1'), unhealthy('lb-2'), unhealthy('lb-3'));
    expect(verdict(roster, 'lb-1', pendingFact(healthy('lb-1')[1]))).toMatchObject({
      isEligible: false,
      revision: 8,
      reason: '2 of 3 nodes: lb-2, lb-3: status 503',
    });
  });

  test('ejection stays the own word', () => {
    const votes = [...threeNodes, healthy('lb-1'), healthy('lb-2')];
    const ejected = given(...votes, ['health.lb-1.p.a', { type: 'BackendEjected', target: 'a:80', reason: 'failed' }]);
    expect(verdict(ejected, 'lb-1')).toMatchObject({ axis: 'ejection', revision: 8 });
    expect(verdict(ejected, 'lb-2')).toEqual(ELIGIBLE);
  });

  test('many voters are counted, not all of them listed', () => {
    const nodes = ['n-1', 'n-2', 'n-3', 'n-4', 'n-5', 'n-6'];
    const roster = given(
      pool('quorum'),
      registered,
      ...nodes.map(started),
      ...nodes.map((node) => unhealthy(node, 'down')),
    );
    expect(verdict(roster, 'n-1')).toMatchObject({ reason: '6 of 6 nodes: n-1, n-2, n-3, n-4 and 2 more: down' });
  });

  test('the set moves on with the nodes; where the own word counts it does not', () => {
    const events = [registered, started('lb-1'), healthy('lb-1'), stopped('lb-1')];
    const set = (healthView: 'own' | 'quorum') =>
      backendSet({ roster: given(pool(healthView), ...events), node: 'lb-1', pending: new Map() }, 'p', 0)!.revision;
    expect(set('quorum')).toBe(5);
    expect(set('own')).toBe(4);
  });
});

const NODES = ['lb-1', 'lb-2', 'lb-3', 'lb-4', 'lb-5'] as const;
const word = fc.constantFrom('healthy', 'unhealthy', 'unknown');
/** What each node says and whether it lives. */
const assignment = fc
  .tuple(...NODES.map(() => fc.record({ word, isLive: fc.boolean() })))
  .map((seats) => seats.map((seat, index) => ({ node: NODES[index]!, ...seat })));

type Seat = { readonly node: string; readonly word: string; readonly isLive: boolean };
const announce = ({ node, isLive }: Seat): Published[] => (isLive ? [started(node)] : [started(node), stopped(node)]);
const say = (seat: Seat): Published[] =>
  seat.word === 'unknown' ? [] : [(seat.word === 'healthy' ? healthy : unhealthy)(seat.node)];

describe('for any words of any nodes', () => {
  test('the majority of the live ones decides, else the own word', () => {
    fc.assert(
      fc.property(assignment, fc.constantFrom(...NODES), (seats, self) => {
        const roster = given(pool('quorum'), registered, ...seats.flatMap(announce), ...seats.flatMap(say));
        const live = seats.filter(({ isLive }) => isLive);
        const count = (said: string) => live.filter((seat) => seat.word === said).length;
        const own = seats.find(({ node }) => node === self)!.word;
        const winner = ['healthy', 'unhealthy'].find((said) => count(said) > live.length / 2) ?? own;
        expect(verdict(roster, self)).toMatchObject(
          winner === 'healthy' ? ELIGIBLE : { isEligible: false, axis: 'health', value: winner },
        );
      }),
      { numRuns: 500 },
    );
  });

  test('the order in which they speak, start and stop does not matter', () => {
    fc.assert(
      fc.property(assignment, fc.array(fc.nat(), { minLength: 5, maxLength: 5 }), (seats, keys) => {
        const shuffled = seats.toSorted((a, b) => keys[seats.indexOf(a)]! - keys[seats.indexOf(b)]!);
        const apart = given(pool('quorum'), registered, ...seats.flatMap(announce), ...seats.flatMap(say));
        const mixed = given(pool('quorum'), registered, ...shuffled.flatMap((s) => [...say(s), ...announce(s)]));
        for (const node of NODES) expect(verdict(mixed, node).isEligible).toBe(verdict(apart, node).isEligible);
      }),
      { numRuns: 300 },
    );
  });

  test('I8: a refusal names an event that said so', () => {
    fc.assert(
      fc.property(assignment, fc.constantFrom(...NODES), (seats, self) => {
        const events = [pool('quorum'), registered, ...seats.flatMap(announce), ...seats.flatMap(say)];
        const result = verdict(given(...events), self);
        if (result.isEligible) return;
        const [, named] = events[result.revision - 1]!;
        expect(named.type).toBe(result.value === 'unknown' ? 'BackendRegistered' : 'BackendTurnedUnhealthy');
      }),
      { numRuns: 300 },
    );
  });

  test('with one node, quorum and own are the same', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(healthy('lb-1'), unhealthy('lb-1')), { maxLength: 4 }), (words) => {
        const events = [registered, started('lb-1'), ...words];
        expect(verdict(given(pool('quorum'), ...events))).toEqual(verdict(given(pool('own'), ...events)));
      }),
    );
  });
});
