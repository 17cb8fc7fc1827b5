/**
 * A supervised group: any number of actors of one kind by key, each the root of its own small system.
 *
 * Why not children of one XState parent: spawning and stopping a child copies the parent's table of children, so that
 * 10,000 of them take 14 s; and stopping any actor searches all delayed events of its whole system, so that one system
 * with 10,000 waiting probers stops in O(n²). A root of its own costs 9 µs and 4 KB, stops in 2 µs, and its timers are
 * nobody else's business.
 *
 * What a crash means: the actor is dropped, its siblings live on, and another is made after a backoff. One that keeps
 * crashing (`RESTARTS_MAX` within `RESTARTS_WINDOW_MS`) is given up and reported. An actor that is done leaves the group.
 */
import { backoffMs, messageOf, RETRY_BACKOFF } from '@muster/membership';
import type { AnyActor } from 'xstate';
import type { InspectedGroup, InspectionHub } from './inspection/inspection-hub.ts';
import type { MachineKind } from './inspection/inspection-line.ts';
import type { Clock, Logger } from './ports.ts';

/** An actor that crashes more often than this within `RESTARTS_WINDOW_MS` is given up: repetition does not cure a defect of our own. */
const RESTARTS_MAX = 5;
const RESTARTS_WINDOW_MS = 60_000;

/** A crash now with those before it that still count, as times by `elapsedMs`; one more than `RESTARTS_MAX` at most. */
export function crashesWith(nowMs: number, crashedAtMs: readonly number[]): readonly number[] {
  return [...crashedAtMs.filter((atMs) => atMs > nowMs - RESTARTS_WINDOW_MS), nowMs];
}

/** Whether so many crashes, by `crashesWith`, are too many to start the actor again. */
export function isTooOften(crashedAtMs: readonly number[]): boolean {
  return crashedAtMs.length > RESTARTS_MAX;
}

/** What supervision needs from the node. */
export interface Supervision {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Where the actors can be looked at. */
  readonly hub: InspectionHub;
  /** An actor is not started again. `actor` for example `prober spells/spells-1`. */
  readonly onGivenUp: (actor: string, reason: string) => void;
}

export interface GroupOptions<A extends AnyActor> {
  readonly kind: MachineKind;
  /** The pool that they are parts of; their names begin with it: `backend spells/spells-1`. */
  readonly pool?: string;
  /** Makes an actor and does not start it; called again for each restart, so it reads what is true then. */
  readonly create: (key: string) => A;
  readonly onRestarted?: (key: string) => void;
  readonly onDone?: (key: string) => void;
}

interface Member<A extends AnyActor> {
  actor: A | null;
  crashedAtMs: readonly number[];
  restartTimer: unknown;
}

export class ActorGroup<A extends AnyActor> implements InspectedGroup {
  readonly #supervision: Supervision;
  readonly #options: GroupOptions<A>;
  readonly #members = new Map<string, Member<A>>();

  constructor(supervision: Supervision, options: GroupOptions<A>) {
    this.#supervision = supervision;
    this.#options = options;
  }

  get kind(): MachineKind {
    return this.#options.kind;
  }

  get size(): number {
    return this.#members.size;
  }

  has(key: string): boolean {
    return this.#members.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#members.keys();
  }

  /** The living actor, or null while there is none. */
  get(key: string): A | null {
    return this.#members.get(key)?.actor ?? null;
  }

  /** The living actors. */
  *actors(): Generator<A> {
    for (const { actor } of this.#members.values()) if (actor !== null) yield actor;
  }

  *inspected(): Generator<readonly [id: string, actor: A]> {
    for (const [key, { actor }] of this.#members) if (actor !== null) yield [this.#idOf(key), actor];
  }

  /** Does nothing when the key is there already. */
  start(key: string): void {
    if (this.#members.has(key)) return;
    this.#supervision.hub.add(this);
    const member: Member<A> = { actor: null, crashedAtMs: [], restartTimer: undefined };
    this.#members.set(key, member);
    this.#launch(key, member);
  }

  stop(key: string): void {
    const member = this.#members.get(key);
    if (member === undefined) return;
    this.#remove(key);
    this.#supervision.clock.clearTimeout(member.restartTimer);
    member.actor?.stop();
  }

  stopAll(): void {
    for (const key of this.#members.keys()) this.stop(key);
  }

  #idOf(key: string): string {
    const { pool } = this.#options;
    return pool === undefined ? key : `${pool}/${key}`;
  }

  #remove(key: string): void {
    this.#members.delete(key);
    if (this.#members.size === 0) this.#supervision.hub.remove(this);
  }

  #launch(key: string, member: Member<A>): void {
    const actor = this.#options.create(key);
    member.actor = actor;
    actor.subscribe({
      error: (error: unknown) => this.#onCrash(key, member, error),
      complete: () => {
        if (this.#members.get(key) !== member) return;
        this.#remove(key);
        this.#options.onDone?.(key);
      },
    });
    this.#supervision.hub.isBorn(this.kind, this.#idOf(key), actor);
    actor.start();
  }

  #onCrash(key: string, member: Member<A>, error: unknown): void {
    if (this.#members.get(key) !== member) return;
    const { clock, random, log, onGivenUp } = this.#supervision;
    const actor = `${this.kind} ${this.#idOf(key)}`;
    const reason = messageOf(error);
    member.actor = null;
    member.crashedAtMs = crashesWith(clock.elapsedMs(), member.crashedAtMs);
    if (isTooOften(member.crashedAtMs)) {
      log.error({ actor, err: error }, `${actor} crashed too often and is given up: ${reason}`);
      onGivenUp(actor, reason);
      return;
    }
    const delayMs = backoffMs(member.crashedAtMs.length - 1, RETRY_BACKOFF, random);
    log.error({ actor, err: error, delayMs }, `${actor} crashed and is started again: ${reason}`);
    member.restartTimer = clock.setTimeout(() => {
      this.#launch(key, member);
      this.#options.onRestarted?.(key);
    }, delayMs);
  }
}
