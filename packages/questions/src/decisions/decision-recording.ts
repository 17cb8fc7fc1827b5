/**
 * Recording decisions on demand: for a while every worker hands its decisions over, and they are kept with the node's observations.
 *
 * It is for the minutes in which somebody looks into something. Without it each worker remembers its newest thousand requests; with it
 * those of the last minutes can be explained an hour later. A worker that starts meanwhile takes part.
 */
import type { ObservationSink } from '@muster/observations';
import type { DecisionOrder, RecordedDecisions } from './decision-question.ts';

/** For longer it is asked for again. */
export const RECORDING_SECONDS_MAX = 3_600;

export interface RecordingStatus {
  readonly isRecording: boolean;
  /** When this recording, or else the last one, began, ms since 1970; null where there was none. */
  readonly sinceMs: number | null;
  /** When it ends, or ended. */
  readonly untilMs: number | null;
  /** How many of the decisions were handed to the observations. */
  readonly recordedCount: number;
  /** How many of the decisions a worker had no room for. */
  readonly droppedCount: number;
}

export type RecordOutcome =
  | { readonly outcome: 'done'; readonly recording: RecordingStatus }
  /** The node keeps no observations. */
  | { readonly outcome: 'no-observations' };

/** A worker that can be told to record. */
export interface RecordingWorker {
  readonly index: number;
  tell(order: DecisionOrder): void;
}

export interface DecisionRecordingOptions {
  /** The workers that live. */
  readonly workers: Iterable<RecordingWorker>;
  /** Ms since 1970. Default: `Date.now`. */
  readonly nowMs?: () => number;
}

export class DecisionRecording {
  readonly #workers: Iterable<RecordingWorker>;
  readonly #nowMs: () => number;
  #sink: ObservationSink | null = null;
  #sinceMs: number | null = null;
  #untilMs: number | null = null;
  #recordedCount = 0;
  #droppedCount = 0;

  constructor({ workers, nowMs = Date.now }: DecisionRecordingOptions) {
    this.#workers = workers;
    this.#nowMs = nowMs;
  }

  /** To be called once, when the node's observations are open; null: it keeps none. */
  keepIn(sink: ObservationSink | null): void {
    this.#sink = sink;
  }

  /** From now on for so many seconds, up to `RECORDING_SECONDS_MAX`, whatever was wanted before; 0 ends it. */
  record(seconds: number): RecordOutcome {
    if (this.#sink === null) return { outcome: 'no-observations' };
    const nowMs = this.#nowMs();
    if (seconds === 0) {
      if (this.#leftMs() > 0) this.#untilMs = nowMs;
    } else {
      if (this.#leftMs() === 0) this.#begin(nowMs);
      this.#untilMs = nowMs + seconds * 1_000;
    }
    for (const worker of this.#workers) worker.tell({ kind: 'record-decisions', forMs: seconds * 1_000 });
    return { outcome: 'done', recording: this.status() };
  }

  status(): RecordingStatus {
    return {
      isRecording: this.#leftMs() > 0,
      sinceMs: this.#sinceMs,
      untilMs: this.#untilMs,
      recordedCount: this.#recordedCount,
      droppedCount: this.#droppedCount,
    };
  }

  /** A worker has started. */
  started(worker: RecordingWorker): void {
    const forMs = this.#leftMs();
    if (forMs > 0) worker.tell({ kind: 'record-decisions', forMs });
  }

  /** The last batch of a worker comes when the time is over. */
  recorded(worker: Pick<RecordingWorker, 'index'>, { decisions, droppedCount }: RecordedDecisions): void {
    this.#droppedCount += droppedCount;
    if (this.#sink === null) return;
    this.#recordedCount += decisions.length;
    for (const decision of decisions) {
      this.#sink.add({ kind: 'decision', timeMs: decision.timeMs, worker: worker.index, decision });
    }
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#recordedCount = 0;
    this.#droppedCount = 0;
  }

  #leftMs(): number {
    return this.#untilMs === null ? 0 : Math.max(0, this.#untilMs - this.#nowMs());
  }
}
