/**
 * The plan: what must happen so that the roster says what a config declares. Pure.
 *
 * An origin (`config:lb-1`) owns what it published last. The plan adds and changes what is declared, removes what this
 * origin owns and no longer declares, and leaves alone what anybody else owns, saying so where that stands in the way; what is
 * declared it takes over, where it is asked to.
 * Applied in order, every step is one that `decide` accepts, and a second plan finds nothing to do.
 */
import type { Command } from '@muster/membership';
import type { DeclaredPool, DeclaredRoster } from '../declared-roster.ts';
import { planListeners, type ListenerPlan } from './plan-listeners.ts';
import {
  isEffective,
  ownedBy,
  planEntity,
  REASON,
  type EffectiveStep,
  type PlanAuthor,
  type PlannedBackend,
  type PlannedPool,
  type PlannedRoster,
  type PlanStep,
} from './plan-step.ts';

/** In the order of application: pools, backends, listeners; then removals of listeners, backends, pools. */
export function planApply(roster: PlannedRoster, declared: DeclaredRoster, author: PlanAuthor): PlanStep[] {
  const { origin } = author;
  const pools = declared.pools.map((pool) => planPool(roster, pool, author));
  const backends = declared.pools.flatMap((pool) => planBackends(roster, pool, author));
  const listeners = planListeners(roster, declared.listeners, author);
  const backendRemovals = planBackendRemovals(roster, declared, origin);
  const poolRemovals = planPoolRemovals(roster, { declared, origin, listeners, backendRemovals });
  const leaving = new Set(poolRemovals.filter(isEffective).map(({ name }) => name));
  const kept = new Set(declared.pools.flatMap((pool) => pool.backends.map(({ target }) => target)));
  // A pool takes a backend along whose target lives on in another pool: in one event, so that its connections can pass to that one.
  const alone = backendRemovals.filter(({ name }) => {
    const [pool = '', backend = ''] = name.split('/');
    return !leaving.has(pool) || !kept.has(roster.pools.get(pool)?.backends.get(backend)?.target.value ?? '');
  });
  const removals = [...listeners.removals, ...alone, ...poolRemovals];
  return expecting(roster, [...pools, ...backends, ...listeners.steps, ...removals]);
}

/**
 * Each command says at which revision it was planned, so that it is refused where somebody changed the same thing meanwhile. What
 * an earlier step of the plan removed is expected to be gone; what one defined is known by a revision only then.
 */
function expecting(roster: PlannedRoster, steps: readonly PlanStep[]): PlanStep[] {
  const expectedByName = new Map<string, number | undefined>();
  return steps.map((step) => {
    if (!isEffective(step)) return step;
    const name = `${step.kind} ${step.name}`;
    const expectedRevision = expectedByName.has(name) ? expectedByName.get(name) : revisionOf(roster, step);
    expectedByName.set(name, step.action === 'remove' ? 0 : undefined);
    return expectedRevision === undefined ? step : { ...step, command: { ...step.command, expectedRevision } };
  });
}

/** 0 for what is not there. */
function revisionOf(roster: PlannedRoster, { kind, name }: EffectiveStep): number {
  switch (kind) {
    case 'listener':
      return roster.listeners.get(name)?.revision ?? 0;
    case 'pool':
      return roster.pools.get(name)?.revision ?? 0;
    case 'backend': {
      const [pool = '', backend = ''] = name.split('/');
      return roster.pools.get(pool)?.backends.get(backend)?.revision ?? 0;
    }
  }
}

function planPool(roster: PlannedRoster, { id, spec }: DeclaredPool, author: PlanAuthor): PlanStep {
  const pool = roster.pools.get(id);
  const before = pool === undefined ? null : { ...pool, fields: pool.spec };
  const command = { type: 'DefinePool', pool: id, ...spec } as const;
  return planEntity({ kind: 'pool', name: id, command }, { before, after: spec }, author);
}

function planBackends(roster: PlannedRoster, pool: DeclaredPool, author: PlanAuthor): PlanStep[] {
  const present = roster.pools.get(pool.id)?.backends;
  return pool.backends.map(({ id, target, weight }) => {
    const backend = present?.get(id);
    const before = backend === undefined ? null : { ...backend, fields: fieldsOf(backend) };
    const command = { type: 'RegisterBackend', pool: pool.id, backend: id, target, weight } as const;
    const name = `${pool.id}/${id}`;
    return planEntity({ kind: 'backend', name, command }, { before, after: { target, weight } }, author);
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
    steps.push(
      why === null ? { ...step, action: 'remove', command } : { ...step, action: 'left-alone', why, canBeTaken: false },
    );
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
