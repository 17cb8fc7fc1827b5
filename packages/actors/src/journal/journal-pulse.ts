/**
 * The journal's pulse: asks its leader about once a second what the newest event is, and remembers when it last said so.
 *
 * Whoever reads the journal hears events from any copy, and silence from a copy that is cut off sounds like the silence of a
 * journal in which nothing happens. Only the leader's word (`Journal.head`) tells the two apart, so everything that concludes
 * something from silence rests on it: "up to date", and the end of a lease.
 *
 *     asked ──answered──► confirmed for CONFIRMATION_FRESH_MS, asked again after PULSE_INTERVAL_MS
 *       │
 *       └──not answered──► asked again after RETRY_INTERVAL_MS ──for LEAVE_AFTER_MS on one server──► that server is left for another
 *
 * A word is as old as the question, because the answer says what was true at some moment after it, and older still where the
 * leader has not heard a majority since: what it did not hear of may have happened elsewhere.
 *
 * A server that knows no leader may be cut off, or nobody leads just now. The first is cured by another server. The second passes by
 * itself, so whoever finds no leader there either leaves again ever more slowly.
 */
import { backoffMs, type Backoff, messageOf, type LiveWire } from '@muster/membership';
import { JournalError, type Head, type Journal, type JournalPlace } from '@muster/journal';
import { pause } from '../clock.ts';
import type { JournalConfirmation } from '../node-status.ts';
import type { Clock, Logger } from '../ports.ts';

/** Between an answer and the next question. */
const PULSE_INTERVAL_MS = 1_000;
/** The same where there was no answer. */
const RETRY_INTERVAL_MS = 250;
/**
 * A word that is older says nothing about now. The leader of an idle stream hears the others every 2 s, and is asked every second; that
 * leaves one question that may go unanswered.
 */
const CONFIRMATION_FRESH_MS = 4_000;
/** A server on which there has been no word for so long is left. */
const LEAVE_AFTER_MS = 5_000;
const LEAVE_BACKOFF: Backoff = { minMs: 10_000, maxMs: 120_000 };

export interface JournalPulsePorts {
  readonly journal: Journal;
  readonly live: Pick<LiveWire, 'watch' | 'leave' | 'server'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Told of each answer. */
  readonly onHead: (head: Head) => void;
}

export class JournalPulse {
  readonly #ports: JournalPulsePorts;
  #atMs: number | null = null;
  #atElapsedMs = -Infinity;
  #failure: string | null = null;
  #isGone = false;
  #unfit: string | null = null;
  #place: JournalPlace | null = null;
  /** Since when the present server is the one that is asked; null while there is none. */
  #connectedSinceMs: number | null = null;
  /** Servers left since the newest word, and when one may be left again. */
  #leavesCount = 0;
  #mayLeaveMs = -Infinity;
  /** True while the outage has been logged, so that one outage gives one line. */
  #isOutageTold = false;
  #asking: Promise<boolean> | null = null;

  constructor(ports: JournalPulsePorts) {
    this.#ports = ports;
  }

  /** Of which moment the newest word is, by the clock that never steps; -Infinity before the first. */
  get confirmedElapsedMs(): number {
    return this.#atElapsedMs;
  }

  get confirmation(): JournalConfirmation {
    const { clock, live } = this.#ports;
    const isFresh = clock.elapsedMs() - this.#atElapsedMs < CONFIRMATION_FRESH_MS;
    return {
      atMs: this.#atMs,
      isFresh,
      failure: this.#failure,
      isGone: this.#isGone,
      unfit: this.#unfit,
      place: this.#place,
      server: live.server,
    };
  }

  /** For people: why nothing may be concluded from the journal's silence; null where its leader has spoken, or was not asked yet. */
  get silence(): string | null {
    const { atMs, isFresh, failure } = this.confirmation;
    if (isFresh || (atMs === null && failure === null)) return null;
    const since = atMs === null ? 'the start' : new Date(atMs).toISOString();
    return `the journal's leader has not been heard since ${since}${failure === null ? '' : ` (${failure})`}`;
  }

  /** Asks now, or waits for the answer to what was asked a moment ago. Never rejects; false where there is none. */
  look(): Promise<boolean> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** Asks at once, and then again and again. Returns what ends it. */
  start(): () => void {
    const ending = new AbortController();
    const { live, clock } = this.#ports;
    const unwatch = live.watch((isConnected) => {
      this.#connectedSinceMs = isConnected ? clock.elapsedMs() : null;
    });
    void this.#run(ending.signal);
    return () => {
      unwatch();
      ending.abort();
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      const isAnswered = await this.look();
      if (!isAnswered && !signal.aborted) this.#leaveWhereUseless();
      this.#tell();
      await pause(clock, isAnswered ? PULSE_INTERVAL_MS : RETRY_INTERVAL_MS, signal);
    }
  }

  async #ask(): Promise<boolean> {
    const { journal, clock, onHead } = this.#ports;
    const [askedMs, askedElapsedMs] = [clock.now(), clock.elapsedMs()];
    try {
      const head = await journal.head();
      const { backedMsAgo = 0, place = null } = head;
      this.#atMs = Math.round(askedMs - backedMsAgo);
      this.#atElapsedMs = askedElapsedMs - backedMsAgo;
      this.#failure = null;
      this.#isGone = false;
      this.#unfit = head.unfit ?? null;
      this.#place = place;
      this.#leavesCount = 0;
      onHead(head);
      return true;
    } catch (error) {
      this.#failure = messageOf(error);
      // Of a server that does not answer nothing else is known.
      if (error instanceof JournalError && error.code === 'gone') this.#isGone = true;
      return false;
    }
  }

  #leaveWhereUseless(): void {
    const { live, clock, random } = this.#ports;
    if (this.#connectedSinceMs === null) return;
    const nowMs = clock.elapsedMs();
    const silentMs = nowMs - Math.max(this.#atElapsedMs, this.#connectedSinceMs);
    if (silentMs < LEAVE_AFTER_MS || (this.#leavesCount > 0 && nowMs < this.#mayLeaveMs)) return;
    this.#mayLeaveMs = nowMs + backoffMs(this.#leavesCount++, LEAVE_BACKOFF, random);
    live.leave(`the journal's leader is not heard there (${this.#failure ?? 'no answer'})`);
  }

  #tell(): void {
    const { log } = this.#ports;
    const { silence } = this;
    if ((silence !== null) === this.#isOutageTold) return;
    this.#isOutageTold = silence !== null;
    if (silence !== null)
      log.warn({}, `${silence}: what is new may be unknown here; traffic goes on with what is known`);
    else log.info({}, "the journal's leader is heard again");
  }
}
