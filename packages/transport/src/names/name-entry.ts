/**
 * What is known of one name, and who waits for it: a state without a question of its own, which `CachingResolver` asks.
 *
 *                 answer                         TTL is over
 *     unknown ──────────────► fresh ─────────────────────────────► stale ──answer──► fresh
 *        │                      ▲                                    │ used at once after a failure, else after STALE_WAIT_MS
 *        └─ failed, none ──► denied, asked again after a pause ◄─────┘ `staleMs` over, or "no such name" said twice
 */
import type { NameWait, NameWatcher, Resolution } from './name-resolver.ts';
import type { NameAnswer } from './name-source.ts';
import type { ResolverSettings } from './resolver-settings.ts';

/** How long a dial waits for a newer answer before it takes the stale one. */
export const STALE_WAIT_MS = 400;
/** After failures in a row the pause doubles, from `minTtlMs` on, up to this. */
const PAUSE_MAX_MS = 10_000;
/** A server that restarts may say once that there is no such name, as Docker's does: a known address is kept until it says so twice. */
const NONE_TOLD_MIN = 2;

/** A failure that lasts. */
export interface NameOutage {
  readonly name: string;
  readonly code: string;
  readonly sinceMs: number;
}

export type OnResolved = (resolution: Resolution) => void;

export class NameEntry {
  readonly name: string;
  readonly waits = new Set<Waiter>();
  readonly watches = new Set<Watch>();
  /** In the order in which they are to be tried; empty where none can be used. */
  addresses: readonly string[] = [];
  outage: NameOutage | null = null;
  isAsking = false;
  askedMs = -Infinity;
  /** Calls off the next question of those who watch; null where none is due. */
  stopKeeping: (() => void) | null = null;
  /** No question before that. */
  #nextAskMs = -Infinity;
  #freshUntilMs = -Infinity;
  #staleUntilMs = -Infinity;
  #failureCount = 0;
  #noneCount = 0;
  readonly #settings: ResolverSettings;

  constructor(name: string, settings: ResolverSettings) {
    this.name = name;
    this.#settings = settings;
  }

  get isIdle(): boolean {
    return this.waits.size === 0 && this.watches.size === 0 && !this.isAsking;
  }

  /** Whether it is to be asked for without a dial. */
  get isNeeded(): boolean {
    for (const { watcher } of this.watches) if (watcher.isNeeded()) return true;
    return false;
  }

  isDue(nowMs: number): boolean {
    return !this.isAsking && nowMs >= this.#nextAskMs;
  }

  /** When it is to be asked for again, where somebody watches it. */
  get dueMs(): number {
    return this.#nextAskMs;
  }

  /** What a dial may use now; null where it has to wait for the question under way. */
  usable(nowMs: number): Resolution | null {
    if (this.hasAddresses(nowMs)) {
      const hasWaited = this.isAsking && nowMs >= this.askedMs + STALE_WAIT_MS;
      const isReady = !this.isPastTtl(nowMs) || this.outage !== null || hasWaited;
      return isReady ? { ok: true, addresses: this.addresses } : null;
    }
    return this.outage !== null && nowMs < this.#nextAskMs ? { ok: false, code: this.outage.code } : null;
  }

  /** Whether there is an answer that can be fallen back to, once `STALE_WAIT_MS` have passed. */
  hasAddresses(nowMs: number): boolean {
    return this.addresses.length > 0 && nowMs < this.#staleUntilMs;
  }

  isPastTtl(nowMs: number): boolean {
    return nowMs >= this.#freshUntilMs;
  }

  /** Returns whether the addresses are others than before. */
  take(answer: NameAnswer, nowMs: number): boolean {
    if (answer.outcome === 'found') return this.#found(answer, nowMs);
    const { minTtlMs, negativeTtlMs } = this.#settings;
    this.outage = { name: this.name, code: answer.code, sinceMs: this.outage?.sinceMs ?? nowMs };
    this.#noneCount = answer.outcome === 'none' ? this.#noneCount + 1 : 0;
    if (this.#noneCount >= NONE_TOLD_MIN || nowMs >= this.#staleUntilMs) this.addresses = [];
    const pauseMs = Math.min(PAUSE_MAX_MS, minTtlMs * 2 ** Math.min(this.#failureCount++, 16));
    this.#nextAskMs = nowMs + Math.max(minTtlMs, answer.outcome === 'none' ? negativeTtlMs : pauseMs);
    return false;
  }

  #found({ addresses, ttlMs, unknownFamily }: NameAnswer & { outcome: 'found' }, nowMs: number): boolean {
    const { minTtlMs, maxTtlMs, staleMs } = this.#settings;
    const isKept = (address: string) => address.includes(':') === (unknownFamily === 6);
    // Of a family that was not answered for, what was known is still the best that is.
    const kept = unknownFamily === null ? [] : this.addresses.filter(isKept);
    const before = this.addresses;
    const all = [...addresses, ...kept.filter((address) => !addresses.includes(address))];
    const isSame = all.length === before.length && all.every((address) => before.includes(address));
    this.addresses = isSame && all.join() === before.join() ? before : all;
    this.#freshUntilMs = nowMs + Math.min(maxTtlMs, Math.max(minTtlMs, ttlMs));
    this.#staleUntilMs = this.#freshUntilMs + staleMs;
    this.#nextAskMs = this.#freshUntilMs;
    this.#failureCount = this.#noneCount = 0;
    this.outage = null;
    return !isSame;
  }
}

/** A dial that waits for an answer. */
export class Waiter implements NameWait {
  readonly #entry: NameEntry;
  readonly #onResolved: OnResolved;

  constructor(entry: NameEntry, onResolved: OnResolved) {
    this.#entry = entry;
    this.#onResolved = onResolved;
    entry.waits.add(this);
  }

  tell(resolution: Resolution): void {
    if (this.#entry.waits.delete(this)) this.#onResolved(resolution);
  }

  close(): void {
    this.#entry.waits.delete(this);
  }
}

/** Somebody who wants to know of every change. */
export class Watch implements NameWait {
  readonly #entry: NameEntry;
  readonly watcher: NameWatcher;

  constructor(entry: NameEntry, watcher: NameWatcher) {
    this.#entry = entry;
    this.watcher = watcher;
    entry.watches.add(this);
  }

  close(): void {
    this.#entry.watches.delete(this);
  }
}
