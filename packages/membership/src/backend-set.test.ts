/** What a proxy reads: eligibility on all three axes, pending facts on top, order by id. */
import { describe, expect, test } from 'vitest';
import { backendSet } from './backend-set.ts';
import { eligibility, viewpointOf } from './eligibility.ts';
import { fold } from './evolve.ts';
import { addPendingFact, settlePendingFact, type PendingFact, type PendingFacts } from './pending-facts.ts';
import { emptyRoster, type Roster } from './roster.ts';

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
  backendSet({ roster, node, pending }, 'p')!.backends.map(({ id }) => id);

const checked = apply(emptyRoster('demo'), 'pool.p', { type: 'PoolDefined', health: { tcp: true } });
const unchecked = apply(emptyRoster('demo'), 'pool.p', { type: 'PoolDefined' });

test('an unknown pool is not an empty pool', () => {
  expect(backendSet({ roster: unchecked, node: 'lb-1', pending: new Map() }, 'p')?.backends).toEqual([]);
  expect(backendSet({ roster: unchecked, node: 'lb-1', pending: new Map() }, 'q')).toBeNull();
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

  test('one about a target that was replaced says nothing about the new one', () => {
    const pending: PendingFacts = new Map();
    addPendingFact(pending, fact('1', 'BackendTurnedUnhealthy', 'old:80'));
    expect(ids(healthy, pending)).toEqual(['a']);
  });
});
