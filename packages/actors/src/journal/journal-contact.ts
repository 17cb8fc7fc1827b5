/**
 * Whether the journal answers, and whether it is still the history that this node serves, as everything in the node that
 * talks to it found. One place, so that the status and the log tell one story, and so that one question decides whether
 * anything may be appended.
 *
 *   away, not taking appends   passes; whoever has something to append tries again after a backoff
 *   away, not to be read       passes; until the follower has read it to its end again nobody appends, because what comes
 *                              back may be another history, or say that what is to be appended is old news
 *   replaced                   it is another history now; nothing is appended until that one is adopted
 *
 * The node serves what it has in all three [I6].
 */
import type { AppendOptions, AppendOutcome, Journal, NewEvent } from '@muster/journal';
import { messageOf } from '@muster/membership';
import type { Clock, Logger } from '../ports.ts';

/** The journal's other history. */
interface Replacement {
  /** Equal to the served epoch where that one has lost events that this node has. */
  readonly epoch: string;
  /** ms since 1970. */
  readonly sinceMs: number;
}

interface Absence {
  /** ms since 1970, for people. */
  readonly sinceMs: number;
  readonly sinceElapsedMs: number;
  readonly reason: string;
  /** When an append failed last, and whether more than one did: somebody tries again and again, and will find out that it is over. */
  failedElapsedMs: number;
  isTriedAgain: boolean;
}

/**
 * A journal whose leader answers, and that nobody has failed to append to for so long, counts as back: where nobody has anything
 * to append, nobody would ever find out. The longer one is longer than anybody waits between two tries.
 */
const FAILURE_LASTS_MS = { triedOnce: 4_000, triedAgain: 10_000 };

export class JournalContact {
  readonly journal: Journal;
  /** The history that this node serves; null before it has one. */
  epoch: string | null = null;
  /** For people: why this process may not speak for the node that it is called after; null while it may. See `name-claim.ts`. */
  nameRefusal: string | null = null;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #backListeners: (() => void)[] = [];
  #absence: Absence | null = null;
  /** Since its follower could not read it, it has not been read to its end. */
  #isUnread = false;
  #replacement: Replacement | null = null;

  constructor(journal: Journal, { clock, log }: { clock: Clock; log: Logger }) {
    this.journal = journal;
    this.#clock = clock;
    this.#log = log;
  }

  /** ms since 1970, and for people why; null while it answers. */
  get awaySinceMs(): number | null {
    return this.#absence?.sinceMs ?? null;
  }

  get awayReason(): string | null {
    return this.#absence?.reason ?? null;
  }

  /** The history that took the place of the one that is served, or null. */
  get replacement(): Replacement | null {
    return this.#replacement;
  }

  /** Appends to the journal. What that throws, which no journal should, is an answer that got lost. */
  append(event: NewEvent, options: AppendOptions = {}): Promise<AppendOutcome> {
    return this.journal
      .append(event, options)
      .catch((error: unknown): AppendOutcome => ({ outcome: 'unknown', message: messageOf(error) }));
  }

  /** It did not take an append. `error`: what was thrown, where something was; its stack goes to the log. */
  failed(reason: string, error?: unknown): void {
    const elapsedMs = this.#clock.elapsedMs();
    if (this.#absence !== null) {
      this.#absence.failedElapsedMs = elapsedMs;
      this.#absence.isTriedAgain = true;
      return;
    }
    const tries = { failedElapsedMs: elapsedMs, isTriedAgain: false };
    this.#absence = { sinceMs: this.#clock.now(), sinceElapsedMs: elapsedMs, reason, ...tries };
    this.#log.warn({ reason, err: error }, `the journal is away, traffic goes on with what is known: ${reason}`);
  }

  /** It cannot be read, as its follower found. `error` as in `failed`. */
  unreadable(reason: string, error?: unknown): void {
    this.failed(reason, error);
    this.#isUnread = true;
  }

  /** It is being read again. That says nothing about appends, unless it could not even be read before. */
  answered(): void {
    if (this.#isUnread) this.#endAbsence();
  }

  /** It has been read to its end, so that what is to be appended can be judged. */
  wasRead(): void {
    if (!this.#isUnread) return;
    this.#endAbsence();
    this.#isUnread = false;
    for (const listener of this.#backListeners) listener();
  }

  /** It took an append. */
  tookAppend(): void {
    if (this.#isUnread || this.#absence === null) return;
    this.#endAbsence();
    for (const listener of this.#backListeners) listener();
  }

  /** Its leader has answered. */
  heardLeader(): void {
    if (this.#absence === null) return;
    const { failedElapsedMs, isTriedAgain } = this.#absence;
    const lastsMs = isTriedAgain ? FAILURE_LASTS_MS.triedAgain : FAILURE_LASTS_MS.triedOnce;
    if (this.#clock.elapsedMs() - failedElapsedMs >= lastsMs) this.tookAppend();
  }

  /** Told each time when appends may be tried again. */
  onBack(listener: () => void): void {
    this.#backListeners.push(listener);
  }

  /** The history that was followed is gone: another epoch, or the same one without what this node has folded of it. */
  replaced(epoch: string): void {
    if (this.#replacement?.epoch === epoch) return;
    this.#replacement = { epoch, sinceMs: this.#clock.now() };
    this.#log.error({ epoch: this.epoch, replacedBy: epoch }, this.#replacedMessage(epoch));
  }

  /** The journal is the history that is served again; what was to be appended meanwhile is, once that is read to its end. */
  returned(): void {
    this.#replacement = null;
    this.#isUnread = true;
    this.#log.warn({ epoch: this.epoch }, `the journal is ${this.epoch} again, the history that this node serves`);
  }

  /** The node serves this history from now on. */
  adopted(epoch: string): void {
    this.epoch = epoch;
    this.#replacement = null;
  }

  /** Why nothing may be appended now, for people; or null. */
  appendRefusal(): string | null {
    return this.journalRefusal() ?? this.nameRefusal;
  }

  /** This process is the node that it is called after: what waited for that may be appended. */
  holdsName(): void {
    if (this.nameRefusal === null) return;
    this.nameRefusal = null;
    if (this.journalRefusal() === null) for (const listener of this.#backListeners) listener();
  }

  /** Why the journal takes nothing now, whoever this process is; or null. */
  journalRefusal(): string | null {
    if (this.#replacement !== null) return this.#replacedMessage(this.#replacement.epoch);
    if (!this.#isUnread) return null;
    if (this.#absence === null)
      return 'the journal is back and is being read: nothing was appended; try again in a moment';
    const { sinceMs, reason } = this.#absence;
    const since = new Date(sinceMs).toISOString();
    return `the journal has been away since ${since} (${reason}): nothing was appended; try again when it is back`;
  }

  #endAbsence(): void {
    if (this.#absence === null) return;
    const awayMs = Math.round(this.#clock.elapsedMs() - this.#absence.sinceElapsedMs);
    this.#absence = null;
    this.#log.info({ awayMs }, `the journal is back after ${Math.round(awayMs / 100) / 10} s`);
  }

  #replacedMessage(epoch: string): string {
    const now = epoch === this.epoch ? 'has lost events of it' : `is ${epoch} now`;
    return (
      `the journal was replaced: this node serves history ${this.epoch}, the journal ${now}; nothing is appended until that ` +
      `is adopted, by itself once it holds all that is served. "muster restore-history" writes that into it, "muster adopt-epoch" takes it as it is`
    );
  }
}
