/**
 * The journal's pulse: asks its leader about once a second what the newest event is, and remembers when it last said so.
 *
 * Whoever reads the journal hears events from any copy, and silence from a copy that is cut off sounds like the silence of a
 * journal in which nothing happens. Only the leader's word (`Journal.head`) tells the two apart, so everything that concludes
 * something from silence rests on it: "up to date", and the end of a lease.
 *
 * What counts is when a question was asked, not when it was answered: the answer says what was true at some moment in between.
 */
import { messageOf } from '@muster/membership';
import type { Journal, JournalPlace } from '@muster/journal';
import type { JournalConfirmation } from './node-handle.ts';
import { pause } from './pause.ts';
import type { Clock } from './ports.ts';

/** Between an answer and the next question. */
const PULSE_INTERVAL_MS = 1_000;
/** A word that was asked for so long ago says nothing about now. */
const CONFIRMATION_FRESH_MS = 3_500;

export interface JournalPulsePorts {
  readonly journal: Journal;
  readonly clock: Clock;
  /** Told of each answer. */
  readonly onHead: (head: { readonly epoch: string; readonly revision: number }) => void;
}

export class JournalPulse {
  readonly #ports: JournalPulsePorts;
  #atMs: number | null = null;
  #atElapsedMs = -Infinity;
  #failure: string | null = null;
  #place: JournalPlace | null = null;

  constructor(ports: JournalPulsePorts) {
    this.#ports = ports;
  }

  /** When that was asked for which the newest answer came, by the clock that never steps; -Infinity before the first. */
  get confirmedElapsedMs(): number {
    return this.#atElapsedMs;
  }

  get confirmation(): JournalConfirmation {
    const isFresh = this.#ports.clock.elapsedMs() - this.#atElapsedMs < CONFIRMATION_FRESH_MS;
    return { atMs: this.#atMs, isFresh, failure: this.#failure, place: this.#place };
  }

  /** Asks at once, and then again and again. Returns what ends it. */
  start(): () => void {
    const ending = new AbortController();
    void this.#run(ending.signal);
    return () => ending.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      await this.#ask(signal);
      await pause(clock, PULSE_INTERVAL_MS, signal);
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { journal, clock, onHead } = this.#ports;
    const [askedMs, askedElapsedMs] = [clock.now(), clock.elapsedMs()];
    try {
      const head = await journal.head();
      if (signal.aborted) return;
      this.#atMs = askedMs;
      this.#atElapsedMs = askedElapsedMs;
      this.#failure = null;
      this.#place = head.place ?? null;
      onHead(head);
    } catch (error) {
      this.#failure = messageOf(error);
    }
  }
}
