/** What a proxy reads: eligibility on all three axes, pending facts on top, order by id; panic and slow start. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backendSet } from './backend-set.ts';
import { eligibility, viewpointOf } from './eligibility.ts';
import { fold } from '../fold/evolve.ts';
import { generatedHistory } from '../../testing/index.ts';
import { addPendingFact, settlePendingFact, type PendingFact, type PendingFacts } from './pending-facts.ts';
import { emptyRoster, type Roster } from '../fold/roster.ts';

let revision = 0;
const apply = (roster: Roster, entity: string, event: object): Roster => {
  revision = roster.revision + 1;
  const outcome = fold(roster, {
    revision,
    timeMs: revision,
    id: `event-${revision}`,
    subject: `muster.demo.${entity}`,
    origin: null,
    payload: JSON.stringify(event),
  });
  expect(outcome.rejection).toBeNull();
  return outcome.roster;
};
const register = (roster: Roster, id: string) =>
  apply(roster, `backend.p.${id}`, { type: 'BackendRegistered', target: `${id}:80` });
const see = (roster: Roster, id: string, type: string) =>
  apply(roster, `health.lb-1.p.${id}`, { type, target: `${id}:80`, reason: 'seen' });
const ids = (roster: Roster, pending: PendingFacts = new Map(), node = 'lb-1') =>
  backendSet({ roster, node, pending }, 'p', 0)!.backends.map(({ id }) => id);

const checked = apply(emptyRoster('demo'), 'pool.p', { type: 'PoolDefined', health: { tcp: true } });
const unchecked = apply(emptyRoster('demo'), 'pool.p', { type: 'PoolDefined' });

test('an unknown pool is not an empty pool', () => {
  expect(backendSet({ roster: unchecked, node: 'lb-1', pending: new Map() }, 'p', 0)?.backends).toEqual([]);
  expect(backendSet({ roster: unchecked, node: 'lb-1', pending: new Map() }, 'q', 0)).toBeNull();
});

test('backends are ordered by id, whatever the order they joined in', () => {
  const roster = ['b-2', 'a-9', 'b-10', 'b-1'].reduce(register, unchecked);
  expect(ids(roster)).toEqual(['a-9', 'b-1', 'b-10', 'b-2']);
});

test('without a health policy every backend counts as healthy', () => {
  expect(ids(see(register(unchecked, 'a'), 'a', 'BackendTurnedUnhealthy'))).toEqual(['a']);
});

test('with one, a backend waits for its first passed probe, node by node', () => {
  const registered = register(checked, 'a');
  expect(ids(registered)).toEqual([]);
  const healthy = see(registered, 'a', 'BackendTurnedHealthy');
  expect(ids(healthy)).toEqual(['a']);
  expect(ids(healthy, new Map(), 'lb-2')).toEqual([]);
});

test('I8: whatever keeps a backend out names the event that did it', () => {
  const { spec } = checked.pools.get('p')!;
  const verdict = (roster: Roster) =>
    eligibility(roster.pools.get('p')!.backends.get('a')!, spec, viewpointOf(roster, 'lb-1'));
  const registered = register(checked, 'a');
  expect(verdict(registered)).toMatchObject({ axis: 'health', value: 'unknown', revision: registered.revision });
  const healthy = see(registered, 'a', 'BackendTurnedHealthy');
  expect(verdict(healthy)).toEqual({ isEligible: true });
  const ejected = see(healthy, 'a', 'BackendEjected');
  expect(verdict(ejected)).toMatchObject({ axis: 'ejection', value: 'ejected', revision: ejected.revision });
  const reinstated = see(ejected, 'a', 'BackendReinstated');
  expect(verdict(reinstated)).toEqual({ isEligible: true });
  const unhealthy = see(reinstated, 'a', 'BackendTurnedUnhealthy');
  expect(verdict(unhealthy)).toMatchObject({ axis: 'health', value: 'unhealthy', revision: unhealthy.revision });
  const drained = apply(unhealthy, 'backend.p.a', { type: 'BackendModeSet', mode: 'drain', reason: 'deploy' });
  expect(verdict(drained)).toMatchObject({
    axis: 'mode',
    value: 'drain',
    revision: drained.revision,
    reason: 'deploy',
  });
});

describe('pending facts', () => {
  const fact = (id: string, type: 'BackendTurnedHealthy' | 'BackendTurnedUnhealthy', target = 'a:80'): PendingFact => ({
    id,
    pool: 'p',
    backend: 'a',
    timeMs: 1,
    event: { type, target, reason: 'seen' },
  });
  const healthy = see(register(checked, 'a'), 'a', 'BackendTurnedHealthy');

  test('act at once, before the journal has them, and only on this node', () => {
    const pending: PendingFacts = new Map();
    addPendingFact(pending, fact('1', 'BackendTurnedUnhealthy'));
    expect(ids(healthy, pending)).toEqual([]);
    settlePendingFact(pending, fact('1', 'BackendTurnedUnhealthy'));
    expect(ids(healthy, pending)).toEqual(['a']);
    expect(pending.size).toBe(0);
  });

  test('a newer one on the same axis takes the place of an older, and outlives its settling', () => {
    const pending: PendingFacts = new Map();
    addPendingFact(pending, fact('1', 'BackendTurnedUnhealthy'));
    addPendingFact(pending, fact('2', 'BackendTurnedHealthy'));
    expect(ids(healthy, pending)).toEqual(['a']);
    settlePendingFact(pending, fact('1', 'BackendTurnedUnhealthy'));
    expect(pending.size).toBe(1);
  });

  test('a set says which facts of its pool it was made with, at which roster and moment', () => {
    const pending: PendingFacts = new Map();
    const setOf = () => backendSet({ roster: healthy, node: 'lb-1', pending }, 'p', 77)!;
    const origin = { rosterRevision: healthy.revision, madeMs: 77 };
    const unlaid = setOf();
    expect(unlaid).toMatchObject({ ...origin, pendingFacts: [] });
    addPendingFact(pending, { ...fact('1', 'BackendTurnedUnhealthy'), pool: 'q' });
    expect(setOf().pendingFacts).toBe(unlaid.pendingFacts);
    const health = fact('2', 'BackendTurnedUnhealthy');
    const ejection: PendingFact = {
      ...health,
      id: '3',
      event: { type: 'BackendEjected', target: 'a:80', reason: 'seen' },
    };
    addPendingFact(pending, health);
    const laid = setOf();
    addPendingFact(pending, ejection);
    expect(laid).toMatchObject({ ...origin, backends: [], pendingFacts: [health] });
    expect(setOf().pendingFacts).toEqual([health, ejection]);
  });

  test('one about a target that was replaced says nothing about the new one', () => {
    const pending: PendingFacts = new Map();
    addPendingFact(pending, fact('1', 'BackendTurnedUnhealthy', 'old:80'));
    expect(ids(healthy, pending)).toEqual(['a']);
  });
});

/** `seen` in the order of their registration, as `a`, `b`, `c`, …: healthy, unhealthy, ejected (healthy, too), or never probed. */
function poolOf(spec: object, seen: readonly ('healthy' | 'unhealthy' | 'ejected' | 'unprobed' | 'drain')[]): Roster {
  const start = apply(emptyRoster('demo'), 'pool.p', { type: 'PoolDefined', health: { tcp: true }, ...spec });
  return seen.reduce((roster, word, index) => {
    const id = String.fromCharCode('a'.charCodeAt(0) + index);
    const registered = register(roster, id);
    if (word === 'unprobed') return registered;
    const turned = word === 'unhealthy' ? 'BackendTurnedUnhealthy' : 'BackendTurnedHealthy';
    const probed = see(registered, id, turned);
    if (word === 'drain') return apply(probed, `backend.p.${id}`, { type: 'BackendModeSet', mode: 'drain' });
    return word === 'ejected' ? see(probed, id, 'BackendEjected') : probed;
  }, start);
}
const setAt = (roster: Roster, nowMs: number) => backendSet({ roster, node: 'lb-1', pending: new Map() }, 'p', nowMs)!;
/** Ids, the ineligible ones in brackets. */
const marked = (roster: Roster) => setAt(roster, 0).backends.map(({ id, isEligible }) => (isEligible ? id : `(${id})`));

describe('panic', () => {
  test('below the threshold those who are suspected take traffic again, and are marked', () => {
    const roster = poolOf({}, ['healthy', 'unhealthy', 'ejected']);
    expect(marked(roster)).toEqual(['a', '(b)', '(c)']);
    expect(setAt(roster, 0).isPanic).toBe(true);
  });

  test('at the threshold it has not begun', () => {
    const roster = poolOf({}, ['healthy', 'unhealthy', 'healthy', 'ejected']);
    expect(marked(roster)).toEqual(['a', 'c']);
    expect(setAt(roster, 0).isPanic).toBe(false);
  });

  test('with none eligible the set stays empty', () => {
    const roster = poolOf({}, ['unhealthy', 'unhealthy', 'ejected']);
    expect(setAt(roster, 0)).toMatchObject({ backends: [], isPanic: false });
  });

  test('who is drained or was never probed neither counts nor comes in', () => {
    expect(marked(poolOf({}, ['healthy', 'drain', 'drain', 'unprobed', 'unprobed', 'unprobed']))).toEqual(['a']);
    expect(marked(poolOf({}, ['healthy', 'unhealthy', 'unhealthy', 'drain', 'unprobed']))).toEqual(['a', '(b)', '(c)']);
  });

  test.each([
    [0, ['a']],
    [0.25, ['a']],
    [0.3, ['a', '(b)', '(c)', '(d)']],
    [1, ['a', '(b)', '(c)', '(d)']],
  ])('a threshold of %d of four backends, one of them eligible', (panicThreshold, expected) => {
    expect(marked(poolOf({ panicThreshold }, ['healthy', 'unhealthy', 'unhealthy', 'unhealthy']))).toEqual(expected);
  });

  test('without a health policy only ejection counts', () => {
    const roster = poolOf({ health: undefined }, ['unhealthy', 'ejected', 'ejected', 'unprobed']);
    expect(marked(roster)).toEqual(['a', 'd']);
    expect(marked(see(roster, 'd', 'BackendEjected'))).toEqual(['a', '(b)', '(c)', '(d)']);
  });
});

describe('slow start', () => {
  /** `a` is long known; `b` became healthy at the newest event, whose time is its revision. */
  const roster = poolOf({ slowStartMs: 1_000 }, ['healthy', 'healthy']);
  const sinceMs = roster.timeMs;
  const weights = (from: Roster, nowMs: number) => setAt(from, nowMs).backends.map(({ weight }) => weight);

  test.each([
    [-5_000, [10, 10]],
    [0, [10, 10]],
    [500, [50, 50]],
    [998, [100, 100]],
    [5_000, [100, 100]],
  ])('%d ms later', (elapsedMs, [a, b]) => {
    const [ofA, ofB] = weights(roster, sinceMs + elapsedMs);
    expect(Math.abs(ofA! - a!)).toBeLessThanOrEqual(1);
    expect(Math.abs(ofB! - b!)).toBeLessThanOrEqual(1);
  });

  test('the set says until when it changes by itself', () => {
    expect(setAt(roster, sinceMs).steadyAtMs).toBe(sinceMs + 1_000);
    expect(setAt(roster, sinceMs + 999).steadyAtMs).toBe(sinceMs + 1_000);
    expect(setAt(roster, sinceMs + 1_000).steadyAtMs).toBeNull();
  });

  test('every reason to be eligible anew starts it again, and nothing else does', () => {
    const warmMs = sinceMs + 10_000;
    const laterOn = (entity: string, event: object) => {
      const at = { ...roster, timeMs: warmMs };
      return weights(apply(at, entity, event), warmMs);
    };
    const health = { target: 'b:80', reason: 'seen' };
    expect(laterOn('backend.p.b', { type: 'BackendModeSet', mode: 'ready' })).toEqual([100, 10]);
    expect(laterOn('health.lb-1.p.b', { type: 'BackendTurnedHealthy', ...health })).toEqual([100, 10]);
    expect(laterOn('health.lb-1.p.b', { type: 'BackendReinstated', ...health })).toEqual([100, 10]);
    expect(laterOn('health.lb-2.p.b', { type: 'BackendTurnedHealthy', ...health })).toEqual([100, 100]);
    expect(laterOn('backend.p.b', { type: 'BackendRegistered', target: 'b:80', weight: 3 })).toEqual([100, 300]);
    const unchecked = apply({ ...roster, timeMs: warmMs }, 'pool.p', { type: 'PoolDefined', slowStartMs: 1_000 });
    expect(weights(unchecked, warmMs)).toEqual([100, 100]);
    const moved = apply(unchecked, 'backend.p.b', { type: 'BackendRegistered', target: 'b:81' });
    expect(weights(moved, warmMs)).toEqual([100, 10]);
  });

  test('in panic nobody starts slowly', () => {
    const panicking = poolOf({ slowStartMs: 1_000 }, ['healthy', 'unhealthy', 'unhealthy']);
    expect(setAt(panicking, panicking.timeMs)).toMatchObject({
      isPanic: true,
      steadyAtMs: null,
      backends: [{ weight: 100 }, { weight: 100 }, { weight: 100 }],
    });
  });

  test('without it nothing depends on the time', () => {
    fc.assert(
      fc.property(generatedHistory, fc.nat(), (history, nowMs) => {
        const reached = history.reduce((before, event) => fold(before, event).roster, emptyRoster('demo'));
        for (const pool of reached.pools.keys()) {
          const view = { roster: reached, node: 'lb-1', pending: new Map() };
          const { slowStartMs } = reached.pools.get(pool)!.spec;
          const set = backendSet(view, pool, nowMs)!;
          const later = backendSet(view, pool, reached.timeMs + nowMs + (slowStartMs ?? 0))!;
          const full = set.backends.map((candidate, index) => ({
            ...candidate,
            weight: later.backends[index]?.weight,
          }));
          const settled = slowStartMs === undefined ? set : { ...set, backends: full, steadyAtMs: null };
          expect({ ...settled, madeMs: later.madeMs }).toEqual(later);
          expect(later.steadyAtMs).toBeNull();
        }
      }),
      { numRuns: 200 },
    );
  });
});

test('whatever the history: panic lets in who is suspected and nobody else, and only if somebody is eligible', () => {
  fc.assert(
    fc.property(generatedHistory, (history) => {
      const reached = history.reduce((before, event) => fold(before, event).roster, emptyRoster('demo'));
      const viewpoint = viewpointOf(reached, 'lb-1');
      for (const { id: pool, spec, backends } of reached.pools.values()) {
        const set = backendSet({ roster: reached, node: 'lb-1', pending: new Map() }, pool, 0)!;
        const verdicts = [...backends.values()].map((backend) => ({
          backend,
          verdict: eligibility(backend, spec, viewpoint),
        }));
        const eligible = verdicts.filter(({ verdict }) => verdict.isEligible).map(({ backend }) => backend.id);
        const suspected = verdicts
          .filter(({ verdict }) => !verdict.isEligible && verdict.axis !== 'mode' && verdict.value !== 'unknown')
          .map(({ backend }) => backend.id);
        const threshold = (spec.panicThreshold ?? 0.5) * (eligible.length + suspected.length);
        expect(set.isPanic).toBe(suspected.length > 0 && eligible.length > 0 && eligible.length < threshold);
        const expected = set.isPanic ? [...eligible, ...suspected].sort() : eligible;
        expect(set.backends.map(({ id }) => id)).toEqual(expected);
        expect(set.backends.filter(({ isEligible }) => isEligible).map(({ id }) => id)).toEqual(eligible);
      }
    }),
    { numRuns: 300 },
  );
});
