/**
 * The plan: what must happen so that the roster says what a config declares. Pure.
 *
 * An origin (`config:lb-1`) owns what it published last. The plan adds and changes what is declared, removes what this
 * origin owns and no longer declares, and leaves alone what anybody else owns, saying so where that stands in the way.
 * Applied in order, every step is one that `decide` accepts, and a second plan finds nothing to do.
 */
import type { Command } from '@muster/membership';
import type { DeclaredPool, DeclaredRoster } from './declared-roster.ts';
import { planListeners, type ListenerPlan } from './plan-listeners.ts';
import {
  isEffective,
  ownedBy,
  planEntity,
  REASON,
  type EffectiveStep,
  type PlannedBackend,
  type PlannedPool,
  type PlannedRoster,
  type PlanStep,
} from './plan-step.ts';

/** In the order of application: pools, backends, listeners; then removals of listeners, backends, pools. */
export function planApply(roster: PlannedRoster, declared: DeclaredRoster, origin: string): PlanStep[] {
  const pools = declared.pools.map((pool) => planPool(roster, pool, origin));
  const backends = declared.pools.flatMap((pool) => planBackends(roster, pool, origin));
  const listeners = planListeners(roster, declared.listeners, origin);
  const backendRemovals = planBackendRemovals(roster, declared, origin);
  const poolRemovals = planPoolRemovals(roster, { declared, origin, listeners, backendRemovals });
  const leaving = new Set(poolRemovals.filter(isEffective).map(({ name }) => name));
  // A pool takes its backends along in one event, so that their connections can pass to the pool that has the targets now.
  const alone = backendRemovals.filter(({ name }) => !leaving.has(name.slice(0, name.indexOf('/'))));
  return [...pools, ...backends, ...listeners.steps, ...listeners.removals, ...alone, ...poolRemovals];
}

function planPool(roster: PlannedRoster, { id, spec }: DeclaredPool, origin: string): PlanStep {
  const pool = roster.pools.get(id);
  const before = pool === undefined ? null : { fields: pool.spec, origin: pool.origin };
  const command: Command = { type: 'DefinePool', pool: id, ...spec };
  return planEntity({ kind: 'pool', name: id, command }, { before, after: spec, origin });
}

function planBackends(roster: PlannedRoster, pool: DeclaredPool, origin: string): PlanStep[] {
  const present = roster.pools.get(pool.id)?.backends;
  return pool.backends.map(({ id, target, weight }) => {
    const backend = present?.get(id);
    const before = backend === undefined ? null : { fields: fieldsOf(backend), origin: backend.origin };
    const command: Command = { type: 'RegisterBackend', pool: pool.id, backend: id, target, weight };
    const name = `${pool.id}/${id}`;
    return planEntity({ kind: 'backend', name, command }, { before, after: { target, weight }, origin });
  });
}

/** What a config declares has no lease: it is there until the config no longer says so. */
function fieldsOf({ target, weight, leaseMs }: PlannedBackend): object {
  return { target: target.value, weight: weight.value, ...(leaseMs !== null && { leaseMs }) };
}

function planBackendRemovals(roster: PlannedRoster, declared: DeclaredRoster, origin: string): EffectiveStep[] {
  const kept = new Set(declared.pools.flatMap((pool) => pool.backends.map(({ id }) => `${pool.id}/${id}`)));
  const steps: EffectiveStep[] = [];
  for (const pool of roster.pools.values()) {
    for (const backend of pool.backends.values()) {
      const name = `${pool.id}/${backend.id}`;
      if (backend.origin !== origin || kept.has(name)) continue;
      const command: Command = { type: 'DeregisterBackend', pool: pool.id, backend: backend.id, reason: REASON };
      steps.push({ action: 'remove', kind: 'backend', name, changes: [], command });
    }
  }
  return steps;
}

interface PoolRemovalContext {
  readonly declared: DeclaredRoster;
  readonly origin: string;
  readonly listeners: ListenerPlan;
  readonly backendRemovals: readonly EffectiveStep[];
}

function planPoolRemovals(roster: PlannedRoster, context: PoolRemovalContext): PlanStep[] {
  const kept = new Set(context.declared.pools.map(({ id }) => id));
  const steps: PlanStep[] = [];
  for (const pool of roster.pools.values()) {
    if (pool.origin !== context.origin || kept.has(pool.id)) continue;
    const why = whyPoolStays(pool, context);
    const command: Command = { type: 'RemovePool', pool: pool.id, reason: REASON };
    const step = { kind: 'pool', name: pool.id, changes: [] } as const;
    steps.push(why === null ? { ...step, action: 'remove', command } : { ...step, action: 'left-alone', why });
  }
  return steps;
}

/** Removing a pool takes its backends along, and `decide` refuses while a listener feeds it. */
function whyPoolStays(pool: PlannedPool, { listeners, backendRemovals }: PoolRemovalContext): string | null {
  const leaving = new Set(backendRemovals.map(({ name }) => name));
  for (const backend of pool.backends.values()) {
    if (!leaving.has(`${pool.id}/${backend.id}`)) {
      return `no longer declared, but backend ${backend.id} in it is ${ownedBy(backend.origin)}`;
    }
  }
  const feeding = listeners.poolsByListener.entries().find(([, pools]) => pools.includes(pool.id));
  return feeding === undefined ? null : `no longer declared, but listener ${feeding[0]} still leads to it`;
}
