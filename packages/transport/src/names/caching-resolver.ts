/**
 * A resolver with a cache by TTL, one for each process.
 *
 *     known ──► fresh: used at once                             ┌─ one question for each name, however many wait for it
 *     wait  ──► unknown or too old: asked for ──► NameSource ───┤
 *     watch ──► asked for again whenever its TTL is over        └─ at most 1,024 names at a time; further ones in line
 *
 * A slow or silent name costs those who wait for it, and nobody else. What an answer means is in `name-entry.ts`: an address is used
 * for its TTL, and afterwards as long as no newer one can be had; what failed is asked for again after a pause, so no answer and no
 * missing TTL makes a busy loop. An outage of a name is told once when it begins and once when it is over.
 */
import { SYSTEM_CLOCK, type DialClock } from './resolver-settings.ts';
import { NameEntry, STALE_WAIT_MS, Waiter, Watch, type NameOutage, type OnResolved } from './name-entry.ts';
import type { NameResolver, NameWait, NameWatcher, Resolution } from './name-resolver.ts';
import { NameServers } from './name-servers.ts';
import type { NameAnswer, NameSource } from './name-source.ts';
import { RESOLVER_DEFAULTS, RESOLVER_LIMITS, type ResolverSettings } from './resolver-settings.ts';

export interface CachingResolverOptions {
  readonly settings: ResolverSettings;
  readonly source: NameSource;
  readonly clock: DialClock;
  /** Told when a name begins to fail; `isStale`: its last addresses are used meanwhile. Default: nobody. */
  readonly onOutage?: (outage: NameOutage & { readonly isStale: boolean }) => void;
  /** Told when it is answered for again; `lastedMs` since its first failure. Default: nobody. */
  readonly onRecovered?: (name: string, lastedMs: number) => void;
}

/** How often it is looked at whether a name whose TTL is over is needed again, where nobody dials it. */
const NOT_NEEDED_INTERVAL_MS = 5_000;

/** Names that `stats` tells of. */
const FAILING_TOLD_MAX = 16;

function failingName(entry: NameEntry, { name, code, sinceMs }: NameOutage, nowMs: number): FailingName {
  return { name, code, lastsMs: nowMs - sinceMs, isStale: entry.hasAddresses(nowMs) };
}

/** Asks as this host does, save for what `settings` say. */
export function systemResolver(
  settings: Partial<ResolverSettings> = {},
  told: Pick<CachingResolverOptions, 'onOutage' | 'onRecovered'> = {},
): CachingResolver {
  const all = { ...RESOLVER_DEFAULTS, ...settings };
  const source = new NameServers({ settings: all, clock: SYSTEM_CLOCK });
  return new CachingResolver({ settings: all, source, clock: SYSTEM_CLOCK, ...told });
}

/** `{"name": "db.internal", "code": "NAME_TIMEOUT", "lastsMs": 12000, "isStale": true}` */
export interface FailingName {
  readonly name: string;
  /** One of `connect-failure.ts`. */
  readonly code: string;
  /** Since its first failure in a row. */
  readonly lastsMs: number;
  /** Whether its last addresses are used meanwhile; otherwise connections to it fail. */
  readonly isStale: boolean;
}

/** Counters since the process began, and what there is now. */
export interface ResolverStats {
  readonly names: number;
  /** Names that cannot be answered for at the moment. */
  readonly namesFailing: number;
  /** The names that have failed for the longest time, at most 16, the longest first. */
  readonly failing: readonly FailingName[];
  readonly waits: number;
  readonly answers: Readonly<Record<NameAnswer['outcome'], number>>;
  /** Dials that took an address whose TTL was over. */
  readonly staleAnswers: number;
  /** Dials that were turned away because too many waited, or too many names were in use. */
  readonly busy: number;
}

export class CachingResolver implements NameResolver {
  readonly #options: CachingResolverOptions;
  /** The one that was used longest ago comes first. */
  readonly #entries = new Map<string, NameEntry>();
  /** Their turn comes when one of the questions under way is over. */
  readonly #inLine = new Set<NameEntry>();
  #questionsCount = 0;
  readonly #answers = { found: 0, none: 0, failed: 0 };
  #staleCount = 0;
  #busyCount = 0;
  #isClosed = false;

  constructor(options: CachingResolverOptions) {
    this.#options = options;
  }

  known(name: string): Resolution | null {
    const entry = this.#entryOf(name);
    if (entry === null) return null;
    this.#freshen(entry);
    return this.#usable(entry);
  }

  wait(name: string, onResolved: OnResolved): NameWait {
    const entry = this.#entryOf(name);
    if (entry === null || entry.waits.size >= RESOLVER_LIMITS.waitsPerName) return this.#turnAway(onResolved);
    const waiter = new Waiter(entry, onResolved);
    this.#freshen(entry);
    if (!entry.isAsking) process.nextTick(() => this.#serve(entry));
    else if (entry.waits.size === 1) this.#serveStaleLater(entry);
    return waiter;
  }

  watch(name: string, watcher: NameWatcher): NameWait {
    const entry = this.#entryOf(name);
    if (entry === null) return { close: () => undefined };
    const watch = new Watch(entry, watcher);
    if (entry.watches.size === 1) this.#keepFresh(entry);
    return watch;
  }

  /** Gives up the questions under way, and asks none from now on: who waits is told nothing. */
  close(): void {
    this.#isClosed = true;
    this.#options.source.close();
  }

  stats(): ResolverStats {
    const nowMs = this.#options.clock.nowMs();
    const failing: FailingName[] = [];
    let waits = 0;
    for (const entry of this.#entries.values()) {
      if (entry.outage !== null) failing.push(failingName(entry, entry.outage, nowMs));
      waits += entry.waits.size;
    }
    return {
      names: this.#entries.size,
      namesFailing: failing.length,
      failing: failing.toSorted((a, b) => b.lastsMs - a.lastsMs).slice(0, FAILING_TOLD_MAX),
      waits,
      answers: { ...this.#answers },
      staleAnswers: this.#staleCount,
      busy: this.#busyCount,
    };
  }

  #usable(entry: NameEntry): Resolution | null {
    const nowMs = this.#options.clock.nowMs();
    const usable = entry.usable(nowMs);
    if (usable?.ok === true && entry.isPastTtl(nowMs)) this.#staleCount++;
    return usable;
  }

  /** The entry of a name, as the one that was used last; null where all places are taken by names in use. */
  #entryOf(text: string): NameEntry | null {
    const name = text.toLowerCase();
    const known = this.#entries.get(name);
    if (known !== undefined) {
      this.#entries.delete(name);
      this.#entries.set(name, known);
      return known;
    }
    if (this.#entries.size >= RESOLVER_LIMITS.names && !this.#forgetOne()) return null;
    const made = new NameEntry(name, this.#options.settings);
    this.#entries.set(name, made);
    return made;
  }

  #forgetOne(): boolean {
    for (const entry of this.#entries.values()) {
      if (entry.isIdle) return this.#entries.delete(entry.name);
    }
    return false;
  }

  #turnAway(onResolved: OnResolved): NameWait {
    this.#busyCount++;
    let isClosed = false;
    process.nextTick(() => {
      if (!isClosed) onResolved({ ok: false, code: 'NAME_BUSY' });
    });
    return { close: () => void (isClosed = true) };
  }

  /** Asks for it, where its TTL or its pause is over. */
  #freshen(entry: NameEntry): void {
    const { clock } = this.#options;
    if (this.#isClosed || !entry.isDue(clock.nowMs())) return;
    entry.isAsking = true;
    entry.askedMs = clock.nowMs();
    if (this.#questionsCount < RESOLVER_LIMITS.questions) this.#ask(entry);
    else this.#inLine.add(entry);
  }

  #ask(entry: NameEntry): void {
    this.#questionsCount++;
    this.#options.source.ask(entry.name, (answer, isFinal) => this.#answered(entry, answer, isFinal));
  }

  #answered(entry: NameEntry, answer: NameAnswer, isFinal: boolean): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.clock.nowMs();
    const before = entry.outage;
    const isChanged = entry.take(answer, nowMs);
    if (isFinal) this.#over(entry, answer.outcome);
    if (before === null && entry.outage !== null) {
      this.#options.onOutage?.({ ...entry.outage, isStale: entry.addresses.length > 0 });
    } else if (before !== null && entry.outage === null)
      this.#options.onRecovered?.(entry.name, nowMs - before.sinceMs);
    this.#serve(entry);
    if (isChanged) for (const { watcher } of entry.watches) watcher.onChanged(entry.addresses);
    if (isFinal && entry.watches.size > 0) this.#keepFresh(entry);
  }

  #over(entry: NameEntry, outcome: NameAnswer['outcome']): void {
    this.#answers[outcome]++;
    entry.isAsking = false;
    this.#questionsCount--;
    for (const next of this.#inLine) {
      this.#inLine.delete(next);
      return this.#ask(next);
    }
  }

  /** Tells those who wait, where there is something to be told. */
  #serve(entry: NameEntry): void {
    // Who is told may ask again, and waits for the next turn then.
    const waits = [...entry.waits];
    for (const waiter of waits) {
      const usable = this.#usable(entry);
      if (usable === null) return;
      waiter.tell(usable);
    }
  }

  #serveStaleLater(entry: NameEntry): void {
    const { clock } = this.#options;
    if (!entry.hasAddresses(clock.nowMs())) return;
    clock.after(Math.max(0, entry.askedMs + STALE_WAIT_MS - clock.nowMs()), () => this.#serve(entry));
  }

  /** Asks again when it is time, as long as somebody watches. */
  #keepFresh(entry: NameEntry): void {
    const { clock } = this.#options;
    const dueInMs = entry.dueMs - clock.nowMs();
    entry.stopKeeping?.();
    entry.stopKeeping = clock.after(dueInMs > 0 ? dueInMs : NOT_NEEDED_INTERVAL_MS, () => {
      entry.stopKeeping = null;
      if (entry.isNeeded) this.#freshen(entry);
      // Where it is not asked for, it is looked at again: an answer would do that too.
      if (entry.watches.size > 0 && !entry.isAsking) this.#keepFresh(entry);
    });
  }
}
