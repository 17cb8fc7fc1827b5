/**
 * A worker's part in recording decisions: while somebody wants them, each is kept when its request is over, and all are handed to the
 * control process ten times a second.
 *
 *     a request is over ──room?──► a decision ──each 100 ms──► a batch on its way ──► the node's observations
 *                         └─ no: counted                       └─ four are on their way: dropped, and counted
 *
 * Traffic comes first: what recording may cost is bounded by the number and the size of a batch, and where more requests end, more
 * are counted instead. It ends by itself, so that a worker whose control process is gone does not go on.
 */
import type { DecidedPick, Decision } from '@muster/selection';
import type { RecordedDecisions } from '@muster/questions/decisions/decision-question';

const BATCH_INTERVAL_MS = 100;
/** So many a batch, 2,000 a second. */
const BATCH_DECISIONS_MAX = 200;
/** By about so much JSON a batch is full. Most decisions have 1 to 2 KiB; in an outage, with pending facts, they may have a hundred. */
const BATCH_CHARACTERS_MAX = 524_288;
/** Handed over, and not yet taken by the operating system. */
const BATCHES_UNDER_WAY_MAX = 4;

/** Sends a batch; `onTaken` is called once, when it is out of this process's hands. */
export type SendBatch = (batch: RecordedDecisions, onTaken: () => void) => void;

export class DecisionRecorder {
  readonly #send: SendBatch;
  #timer: NodeJS.Timeout | undefined;
  #endsAtMs = 0;
  #decisions: Decision[] = [];
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
    if (this.#decisions.length >= BATCH_DECISIONS_MAX || this.#charactersCount >= BATCH_CHARACTERS_MAX) {
      this.#droppedCount++;
      return;
    }
    const decision = decisionOf();
    this.#decisions.push(decision);
    this.#charactersCount += charactersOf(decision);
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
    if (this.#decisions.length === 0 && this.#droppedCount === 0) return;
    const decisions = this.#decisions;
    this.#decisions = [];
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

/** About how long it is as JSON: what does not vary, and the parts that do. Measuring it would cost as much as sending it. */
function charactersOf({ path, authority, requestId, attempts, refused }: Decision): number {
  const texts = path.length + authority.length + requestId.length;
  const ofAttempts = attempts.reduce((sum, attempt) => {
    const { consulted, weights } = attempt.inputs;
    return sum + charactersOfPick(attempt) + 40 * consulted.length + 8 * (weights?.length ?? 0);
  }, 0);
  return 400 + texts + ofAttempts + (refused === null ? 0 : charactersOfPick(refused));
}

function charactersOfPick({ candidates, pendingFacts, triedIds, fullIds, undialledIds, onlyIds }: DecidedPick): number {
  const idsCount = triedIds.length + fullIds.length + undialledIds.length + (onlyIds?.length ?? 0);
  return 500 + 90 * (candidates?.length ?? 0) + 300 * pendingFacts.length + 20 * idsCount;
}
