/**
 * Backends whose targets this node does not dial: picks pass them over while there is another.
 *
 * The guard decides, when a target is dialled, and nothing here takes its place. This only foresees its word, so that no request is
 * spent on finding out: at once for an address that is literal, and for a name after a dial that the guard refused, because only
 * then is it known where the name leads. What was found about a name is forgotten after a while, because it may lead elsewhere then.
 *
 * Where the guard would refuse every backend of a pool, none is passed over: the dial says why, to the client and to the log.
 */
import { parseTarget, type BackendSet } from '@muster/membership';
import type { TargetGuard } from '@muster/transport';
import { isIP } from 'node:net';

/** How long a name counts as one that leads to what is not dialled. */
const NAME_KEPT_MS = 10_000;
/** Targets whose verdict is remembered; beyond that all are forgotten and judged anew. */
const VERDICTS_MAX = 65_536;
/** Backends that a pick tells of: one more than is kept of it, which shows that there were too many. */
const TOLD_MAX = 65;

const NO_IDS: readonly string[] = [];

/** What one worker knows of all targets. */
export class UndialledTargets {
  readonly #guard: Pick<TargetGuard, 'verdictOn' | 'generation'>;
  readonly #nowMs: () => number;
  /** By literal target: whether the guard refuses it. */
  readonly #verdicts = new Map<string, boolean>();
  /** Targets that a dial was refused for, whatever the guard foresees. */
  readonly #found = new Set<string>();
  #foundUntilMs = 0;
  #guardGeneration: number;
  #generation = 0;

  /** `nowMs`: a monotonic clock. */
  constructor(guard: Pick<TargetGuard, 'verdictOn' | 'generation'>, nowMs: () => number) {
    this.#guard = guard;
    this.#nowMs = nowMs;
    this.#guardGeneration = guard.generation;
  }

  /** Grows with each change after which `has` may say something else. Asked for each pick. */
  get generation(): number {
    if (this.#guardGeneration !== this.#guard.generation) {
      this.#guardGeneration = this.#guard.generation;
      this.#verdicts.clear();
      this.#forgetFound();
    }
    if (this.#found.size > 0 && this.#nowMs() > this.#foundUntilMs) this.#forgetFound();
    return this.#generation;
  }

  has(target: string): boolean {
    if (this.#found.has(target)) return true;
    const known = this.#verdicts.get(target);
    if (known !== undefined) return known;
    const verdict = this.#judge(target);
    if (this.#verdicts.size >= VERDICTS_MAX) this.#verdicts.clear();
    this.#verdicts.set(target, verdict);
    return verdict;
  }

  /** The guard did not let a dial to the target through. */
  found(target: string): void {
    if (this.has(target)) return;
    if (this.#found.size === 0) this.#foundUntilMs = this.#nowMs() + NAME_KEPT_MS;
    this.#found.add(target);
    this.#generation++;
  }

  #judge(target: string): boolean {
    const address = parseTarget(target);
    if (address === null || (address.kind === 'tcp' && isIP(address.host) === 0)) return false;
    return this.#guard.verdictOn(address) !== null;
  }

  #forgetFound(): void {
    this.#found.clear();
    this.#generation++;
  }
}

/** Those of one pool: worked out once for each set, and again when another verdict may be given. */
export class UndialledBackends {
  readonly #targets: UndialledTargets;
  #set: BackendSet | null = null;
  #generation = -1;
  #ids: ReadonlySet<string> | null = null;
  /** Their ids; the first 65. */
  told = NO_IDS;

  constructor(targets: UndialledTargets) {
    this.#targets = targets;
  }

  /** The ids to be passed over in a pick from `set`; null for none. `onlyIds`: those that may be picked at all; null: any. */
  passedOver(set: BackendSet, onlyIds: ReadonlySet<string> | null): ReadonlySet<string> | null {
    const { generation } = this.#targets;
    if (this.#set !== set || this.#generation !== generation) this.#workOut(set, generation);
    const ids = this.#ids;
    if (ids === null || isAnyLeft(set, ids, onlyIds)) return ids;
    return null;
  }

  #workOut(set: BackendSet, generation: number): void {
    this.#set = set;
    this.#generation = generation;
    const ids = set.backends.filter(({ target }) => this.#targets.has(target)).map(({ id }) => id);
    this.#ids = ids.length === 0 ? null : new Set(ids);
    this.told = ids.length === 0 ? NO_IDS : ids.slice(0, TOLD_MAX);
  }
}

function isAnyLeft({ backends }: BackendSet, ids: ReadonlySet<string>, onlyIds: ReadonlySet<string> | null): boolean {
  if (onlyIds === null) return ids.size < backends.length;
  return backends.some(({ id }) => onlyIds.has(id) && !ids.has(id));
}
