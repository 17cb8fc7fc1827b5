/**
 * The reconciler: makes the actors what the roster says, in slices.
 *
 * Level-triggered. It knows which roster the actors were made for and which one is newest, takes the difference, and
 * applies it in slices of `RECONCILE_SLICE` changes, giving the event loop a turn between them. What is applied is always
 * what the newest roster says then, so events that arrive meanwhile are not missed, and none is acted on twice.
 *
 * Stopping is the same thing with an empty roster as the goal.
 */
import { setImmediate } from 'node:timers/promises';
import {
  asksTheSame,
  diff,
  emptyRoster,
  observationBy,
  present,
  type Backend,
  type Change,
  type Health,
  type HealthEvent,
  type HealthPolicy,
  type Pool,
  type Roster,
} from '@muster/membership';
import type { FoldedRoster } from './folded-roster.ts';
import { membershipOf, type BackendWish } from './pools/pool.ts';

/** Changes applied in one turn of the event loop: about 3 ms where each starts a backend. */
const RECONCILE_SLICE = 32;

/** What the reconciler acts on. */
export interface Reconciled {
  readonly listenerChanged: (listener: string) => void;
  readonly poolStarted: (pool: string) => void;
  readonly poolStopped: (pool: string) => void;
  readonly backendWished: (pool: string, wish: BackendWish) => void;
  /** A backend is gone or has another target. */
  readonly targetLeft: (pool: string, backend: string) => void;
  /** The health of a backend's target is known already, from another backend that has or had the same target. */
  readonly known: (pool: string, backend: string, event: HealthEvent) => void;
}

export class Reconciler {
  readonly #folded: FoldedRoster;
  readonly #actors: Reconciled;
  readonly #empty: Roster;
  readonly #poolsToFill = new Set<string>();
  /** `pool/backend` of those that have a target, or had it when the round began. */
  readonly #holdersByTarget = new Map<string, Set<string>>();
  #present: Roster;
  #isStopping = false;
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();

  constructor(folded: FoldedRoster, actors: Reconciled) {
    this.#folded = folded;
    this.#actors = actors;
    this.#empty = emptyRoster(folded.roster.cluster);
    this.#present = this.#empty;
  }

  /** The roster has changed. Resolves when the actors are what it says. */
  poke(): Promise<void> {
    // A flag and not the promise: it falls in the same turn in which the goal was last looked at.
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#run = this.#reconcile();
    }
    return this.#run;
  }

  /** Stops all actors; resolves when that is done. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    while (this.#present !== this.#empty) await this.poke();
  }

  /** What the actors should be for now. */
  get #goal(): Roster {
    return this.#isStopping ? this.#empty : this.#folded.roster;
  }

  async #reconcile(): Promise<void> {
    while (this.#present !== this.#goal || this.#poolsToFill.size > 0) {
      const goal = this.#goal;
      const changes = [...this.#refills(goal), ...diff(this.#present, goal)];
      for (let from = 0; from < changes.length; from += RECONCILE_SLICE) {
        if (from > 0) await setImmediate();
        this.#apply(changes.slice(from, from + RECONCILE_SLICE), goal);
      }
      this.#forgetHolders(changes);
      this.#present = goal;
    }
    this.#isRunning = false;
  }

  *#refills(goal: Roster): Generator<Change> {
    for (const id of this.#poolsToFill) {
      for (const backend of goal.pools.get(id)?.backends.values() ?? []) yield unchanged(backend);
    }
    this.#poolsToFill.clear();
  }

  #apply(changes: readonly Change[], goal: Roster): void {
    for (const change of changes) {
      if (change.kind === 'backend') this.#applyBackend(change);
      else this.#applyOther(change, goal);
    }
  }

  #applyOther(change: Exclude<Change, { kind: 'backend' }>, goal: Roster): void {
    const { id } = present(change.after ?? change.before, 'a side of a change');
    if (change.kind === 'listener') return this.#actors.listenerChanged(id);
    if (change.before === null) return this.#actors.poolStarted(id);
    if (change.after === null) return this.#actors.poolStopped(id);
    if (!hasSamePolicies(change.before, change.after) && goal.pools.has(id)) this.#poolsToFill.add(id);
  }

  #applyBackend({ before, after }: Extract<Change, { kind: 'backend' }>): void {
    const { pool, id } = present(after ?? before, 'a side of a change');
    if (before !== null && before.target.value !== after?.target.value) this.#actors.targetLeft(pool, id);
    if (after !== null) this.#noteHolder(after);
    this.#actors.backendWished(pool, this.#wish(pool, id));
  }

  /** What a backend should be now, by the newest roster and what this node has seen itself. */
  #wish(poolId: string, backendId: string): BackendWish {
    const pool = this.#goal.pools.get(poolId);
    const backend = pool && this.#folded.backend(poolId, backendId);
    if (pool === undefined || backend === undefined) return { backend: backendId, member: null, task: null };
    const { node } = this.#folded;
    const member = membershipOf(backend, node);
    const policy = pool.spec.health;
    if (policy === undefined || backend.mode.value === 'maint') return { backend: backendId, member, task: null };
    const { value: seen } = observationBy(node, backend.observations).health;
    const health = seen === 'unknown' ? this.#heard(backend, policy) : seen;
    return { backend: backendId, member, task: { target: member.target, policy, limits: pool.spec, health } };
  }

  /** The health that another backend's probes found of the same target with the same question. It is told of this backend, too. */
  #heard({ pool, id, target: { value: target } }: Backend, policy: HealthPolicy): Health {
    for (const key of this.#holdersByTarget.get(target) ?? []) {
      const health = key === `${pool}/${id}` ? 'unknown' : this.#foundBy(key, target, policy);
      if (health === 'unknown') continue;
      const type = health === 'healthy' ? 'BackendTurnedHealthy' : 'BackendTurnedUnhealthy';
      this.#actors.known(pool, id, { type, target, reason: `known from ${key}, which has the same target` });
      return health;
    }
    return 'unknown';
  }

  #foundBy(key: string, target: string, policy: HealthPolicy): Health {
    const [poolId, backendId] = key.split('/') as [string, string];
    const isThere = this.#goal.pools.get(poolId)?.backends.get(backendId)?.target.value === target;
    const pool = (isThere ? this.#goal : this.#present).pools.get(poolId);
    const backend = isThere ? this.#folded.backend(poolId, backendId) : pool?.backends.get(backendId);
    if (pool?.spec.health === undefined || backend?.target.value !== target || backend.mode.value === 'maint')
      return 'unknown';
    if (!asksTheSame(pool.spec.health, policy)) return 'unknown';
    return observationBy(this.#folded.node, backend.observations).health.value;
  }

  #noteHolder({ pool, id, target }: Backend): void {
    const holders = this.#holdersByTarget.get(target.value);
    if (holders === undefined) this.#holdersByTarget.set(target.value, new Set([`${pool}/${id}`]));
    else holders.add(`${pool}/${id}`);
  }

  /** A backend that left is remembered until the round is over, so that one that comes in the same round hears what was known of it. */
  #forgetHolders(changes: readonly Change[]): void {
    for (const { kind, before, after } of changes) {
      if (kind !== 'backend' || before === null || before.target.value === after?.target.value) continue;
      const holders = this.#holdersByTarget.get(before.target.value);
      holders?.delete(`${before.pool}/${before.id}`);
      if (holders?.size === 0) this.#holdersByTarget.delete(before.target.value);
    }
  }
}

function unchanged(backend: Extract<Change, { kind: 'backend' }>['after']): Change {
  return { kind: 'backend', before: backend, after: backend };
}

function hasSamePolicies({ spec: left }: Pool, { spec: right }: Pool): boolean {
  return JSON.stringify([left.health, left.ejection]) === JSON.stringify([right.health, right.ejection]);
}
