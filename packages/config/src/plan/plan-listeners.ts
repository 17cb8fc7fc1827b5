/**
 * The listeners' part of a plan. What makes it more than a comparison is that an address of a node can have one listener at a
 * time: a listener that moves away goes before the one that takes its place, and one that is removed for another on
 * the same address goes first.
 */
import { poolsOf, type Command } from '@muster/membership';
import { meet, type DeclaredListener } from '../declared-roster.ts';
import {
  isEffective,
  ownedBy,
  planEntity,
  REASON,
  type EffectiveStep,
  type PlanAuthor,
  type PlannedListener,
  type PlannedRoster,
  type PlanStep,
} from './plan-step.ts';

export interface ListenerPlan {
  /** Definitions in an order in which none meets a taken address, with the removals that must come before them. */
  readonly steps: readonly PlanStep[];
  readonly removals: readonly EffectiveStep[];
  /** Which pools each listener leads to once the plan is applied. */
  readonly poolsByListener: ReadonlyMap<string, readonly string[]>;
}

export function planListeners(
  roster: PlannedRoster,
  declared: readonly DeclaredListener[],
  author: PlanAuthor,
): ListenerPlan {
  const planned = declared.map((listener) => ({ listener, step: planListener(roster, listener, author) }));
  const addresses = new Addresses(roster.listeners.values());
  const removals = removalsOf(roster, declared, author.origin);
  const wanted = new Set(planned.filter(({ step }) => isEffective(step)).map(({ listener }) => listener.spec.bind));
  const early = removals.filter(({ name }) => wanted.has(addresses.bindOf(name) ?? ''));
  for (const { name } of removals) addresses.release(name);

  const steps: PlanStep[] = [...early, ...planned.flatMap(({ step }) => (isEffective(step) ? [] : [step]))];
  steps.push(...orderDefinitions(planned.filter(({ step }) => isEffective(step)) as Definition[], addresses));
  return {
    steps,
    removals: removals.filter((removal) => !early.includes(removal)),
    poolsByListener: poolsAfter(roster, [...removals, ...steps]),
  };
}

interface Definition {
  readonly listener: DeclaredListener;
  readonly step: EffectiveStep;
}

/** Each round takes a definition whose address is free. Where all wait for each other, one gives its address up first. */
function orderDefinitions(definitions: readonly Definition[], addresses: Addresses): PlanStep[] {
  const steps: PlanStep[] = [];
  let waiting = [...definitions];
  while (waiting.length > 0) {
    const next = waiting.find(({ listener }) => addresses.holderOf(listener) === null);
    if (next !== undefined) {
      addresses.take(next.listener);
      steps.push(next.step);
      waiting = waiting.filter((definition) => definition !== next);
      continue;
    }
    const waitingNames = new Set(waiting.map(({ listener }) => listener.id));
    const blocked = waiting.find(({ listener }) => !waitingNames.has(addresses.holderOf(listener)!.id));
    if (blocked !== undefined) {
      const holder = addresses.holderOf(blocked.listener)!;
      const why = `listener ${holder.id}, ${ownedBy(holder.origin)}, is bound to ${holder.spec.bind}`;
      const { kind, name, changes } = blocked.step;
      steps.push({ action: 'left-alone', kind, name, changes, why, canBeTaken: false });
      waiting = waiting.filter((definition) => definition !== blocked);
      continue;
    }
    const [first] = waiting;
    addresses.release(first!.listener.id);
    steps.push(removalOf(first!.listener.id, 'gives up its address for another listener'));
  }
  return steps;
}

/** Who is bound where while the plan is carried out. Port 0 is never taken. */
class Addresses {
  readonly #listenersById = new Map<string, PlannedListener>();

  constructor(listeners: Iterable<PlannedListener>) {
    for (const listener of listeners) this.#listenersById.set(listener.id, listener);
  }

  bindOf(id: string): string | undefined {
    return this.#listenersById.get(id)?.spec.bind;
  }

  /** Another listener on the address that this one wants, on a node that is to have both; or null. */
  holderOf({ id, spec }: DeclaredListener): PlannedListener | null {
    if (spec.bind.endsWith(':0')) return null;
    for (const other of this.#listenersById.values()) {
      if (other.id !== id && other.spec.bind === spec.bind && meet(other.spec.nodes, spec.nodes)) return other;
    }
    return null;
  }

  take({ id, spec }: DeclaredListener): void {
    this.#listenersById.set(id, { id, spec, origin: null, revision: 0 });
  }

  release(id: string): void {
    this.#listenersById.delete(id);
  }
}

function planListener(roster: PlannedRoster, { id, spec }: DeclaredListener, author: PlanAuthor): PlanStep {
  const listener = roster.listeners.get(id);
  const before = listener === undefined ? null : { ...listener, fields: listener.spec };
  const command = { type: 'DefineListener', listener: id, ...spec } as const;
  return planEntity({ kind: 'listener', name: id, command }, { before, after: spec }, author);
}

function removalsOf(roster: PlannedRoster, declared: readonly DeclaredListener[], origin: string): EffectiveStep[] {
  const kept = new Set(declared.map(({ id }) => id));
  const steps: EffectiveStep[] = [];
  for (const { id, origin: owner } of roster.listeners.values()) {
    if (owner === origin && !kept.has(id)) steps.push(removalOf(id, REASON));
  }
  return steps;
}

function removalOf(id: string, reason: string): EffectiveStep {
  const command: Command = { type: 'RemoveListener', listener: id, reason };
  return { action: 'remove', kind: 'listener', name: id, changes: [], command };
}

function poolsAfter(roster: PlannedRoster, steps: readonly PlanStep[]): Map<string, readonly string[]> {
  const pools = new Map<string, readonly string[]>();
  for (const { id, spec } of roster.listeners.values()) pools.set(id, poolsOf(spec));
  for (const step of steps) {
    if (!isEffective(step)) continue;
    if (step.command.type === 'DefineListener') pools.set(step.name, poolsOf(step.command));
    else pools.delete(step.name);
  }
  return pools;
}
