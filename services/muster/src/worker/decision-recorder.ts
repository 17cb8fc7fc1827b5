/**
 * A worker's part in recording decisions: while somebody wants them, each is put into words when its request is over, and handed to
 * the control process ten times a second.
 *
 *     a request is over ──room?──► text ──each 100 ms──► a batch on its way ──► the node's observations
 *                         └─ no: counted                 └─ four are on their way: dropped, and counted
 *
 * Traffic comes first: what recording may cost is bounded by the number and the size of a batch, and where more requests end, more
 * are counted instead. It ends by itself, so that a worker whose control process is gone does not go on.
 */
import type { Decision } from '@muster/selection';
import type { RecordedDecisions } from './decision-question.ts';

const BATCH_INTERVAL_MS = 100;
/** So many a batch, 2,000 a second: at 15 µs each 3 % of a core. */
const BATCH_DECISIONS_MAX = 200;
/** Most decisions have 1 to 2 KiB; in an outage, with pending facts, they may have a hundred. */
const BATCH_CHARACTERS_MAX = 524_288;
/** Handed over, and not yet taken by the operating system. */
const BATCHES_UNDER_WAY_MAX = 4;

/** Sends a batch; `onTaken` is called once, when it is out of this process's hands. */
export type SendBatch = (batch: RecordedDecisions, onTaken: () => void) => void;

export class DecisionRecorder {
  readonly #send: SendBatch;
  #timer: NodeJS.Timeout | undefined;
  #endsAtMs = 0;
  #texts: string[] = [];
  #charactersCount = 0;
  #droppedCount = 0;
  #underWayCount = 0;

  constructor(send: SendBatch) {
    this.#send = send;
  }

  get isRecording(): boolean {
    return this.#timer !== undefined;
  }

  /** From now on for so long, whatever was wanted before; 0 ends it. */
  record(forMs: number): void {
    if (forMs <= 0) return this.#end();
    this.#endsAtMs = performance.now() + forMs;
    this.#timer ??= setInterval(() => this.#intervalIsOver(), BATCH_INTERVAL_MS).unref();
  }

  /** A request is over; `decisionOf` makes the decision, where there is room for it. */
  decided(decisionOf: () => Decision): void {
    if (this.#texts.length >= BATCH_DECISIONS_MAX || this.#charactersCount >= BATCH_CHARACTERS_MAX) {
      this.#droppedCount++;
      return;
    }
    const text = JSON.stringify(decisionOf());
    this.#texts.push(text);
    this.#charactersCount += text.length;
  }

  #intervalIsOver(): void {
    if (performance.now() >= this.#endsAtMs) this.#end();
    else this.#handOver();
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#handOver();
  }

  #handOver(): void {
    if (this.#texts.length === 0 && this.#droppedCount === 0) return;
    const decisions = this.#texts;
    this.#texts = [];
    this.#charactersCount = 0;
    if (this.#underWayCount >= BATCHES_UNDER_WAY_MAX) {
      this.#droppedCount += decisions.length;
      return;
    }
    const droppedCount = this.#droppedCount;
    this.#droppedCount = 0;
    this.#underWayCount++;
    this.#send({ kind: 'decisions-recorded', decisions, droppedCount }, () => void this.#underWayCount--);
  }
}
