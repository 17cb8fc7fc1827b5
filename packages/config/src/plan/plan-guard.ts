/**
 * Asks back before a plan takes away most of what a config owns: a file that was emptied, cut off in the middle or mistaken for
 * another one declares little, and looks like the wish to remove the rest.
 *
 * More than half of the pools, of the listeners or of the backends is most. What another name takes the place of is not
 * counted: a pool that goes while one with a backend at the same target comes, a listener whose address or pools another has.
 */
import { poolsOf } from '@muster/membership';
import { isEffective, type EffectiveStep, type PlannedPool, type PlannedRoster, type PlanStep } from './plan-step.ts';

/** `2 of 2 pools, 1 of 1 listeners`; null where nothing must be asked. */
export function massRemoval(roster: PlannedRoster, steps: readonly PlanStep[], origin: string): string | null {
  const effective = steps.filter(isEffective);
  const isComing = new Set(effective.filter(({ action }) => action === 'add').map(nameOf));
  // A listener that gives its address up for another one comes back in the same plan.
  const removals = effective.filter((step) => step.action === 'remove' && !isDefinedLater(step, effective));
  const pools = [...roster.pools.values()];
  const owned = {
    pools: pools.filter((pool) => pool.origin === origin).length,
    listeners: [...roster.listeners.values()].filter((listener) => listener.origin === origin).length,
    backends: pools.flatMap((pool) => [...pool.backends.values()]).filter((backend) => backend.origin === origin)
      .length,
  };
  const targets = new Set(
    effective.flatMap(({ command }) => (command.type === 'RegisterBackend' ? command.target : [])),
  );
  const removed = {
    pools: removals.filter((step) => step.kind === 'pool' && !isPoolRenamed(roster, step.name, targets)).length,
    listeners: removals.filter((step) => step.kind === 'listener' && !isListenerReplaced(roster, step, effective))
      .length,
    backends:
      goingBackends(pools, removals, origin) - [...isComing].filter((name) => name.startsWith('backend ')).length,
  };
  const kinds = ['pools', 'listeners', 'backends'] as const;
  const most = kinds.filter((kind) => removed[kind] * 2 > owned[kind]);
  return most.length === 0 ? null : most.map((kind) => `${removed[kind]} of ${owned[kind]} ${kind}`).join(', ');
}

/** Each by a step of its own, or with its pool. */
function goingBackends(pools: readonly PlannedPool[], removals: readonly EffectiveStep[], origin: string): number {
  const going = new Set(removals.map(nameOf));
  const own = pools.flatMap((pool) =>
    [...pool.backends.values()].filter((backend) => backend.origin === origin).map(({ id }) => [pool.id, id] as const),
  );
  return own.filter(([pool, id]) => going.has(`pool ${pool}`) || going.has(`backend ${pool}/${id}`)).length;
}

/** The plan without its removals, save those of what another step defines again. */
export function withoutRemovals(steps: readonly PlanStep[]): PlanStep[] {
  const effective = steps.filter(isEffective);
  return steps.filter((step) => step.action !== 'remove' || isDefinedLater(step, effective));
}

function nameOf({ kind, name }: EffectiveStep): string {
  return `${kind} ${name}`;
}

function isDefinedLater({ kind, name }: EffectiveStep, steps: readonly EffectiveStep[]): boolean {
  return steps.some((step) => step.kind === kind && step.name === name && step.action !== 'remove');
}

function isPoolRenamed(roster: PlannedRoster, id: string, targets: ReadonlySet<string>): boolean {
  const backends = roster.pools.get(id)?.backends.values() ?? [];
  return [...backends].some(({ target }) => targets.has(target.value));
}

function isListenerReplaced(roster: PlannedRoster, { name }: EffectiveStep, steps: readonly EffectiveStep[]): boolean {
  const spec = roster.listeners.get(name)?.spec;
  return steps.some(({ action, command }) => {
    if (action !== 'add' || command.type !== 'DefineListener' || spec === undefined) return false;
    return command.bind === spec.bind || poolsOf(command).some((pool) => poolsOf(spec).includes(pool));
  });
}
