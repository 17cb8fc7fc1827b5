/**
 * Follows the stream as `Journal.follow` promises, over every outage.
 *
 * The cursor is all there is. Each round asks the stream for its state, decides from that whether it is still the same
 * history, and reads on from the cursor until the reader ends, for whatever reason:
 *
 *     state ──► another epoch, or fewer events than the cursor ────────────► epoch-changed, end
 *       │   └─► the next event was removed by retention ───────────────────► compacted, throw
 *       ▼
 *     read from the newest event handed over: the same? ── no ─────────────► epoch-changed, end
 *       │ yes
 *       ▼
 *     events … caught-up … events … until the reader ends ──► next round
 *     anything fails ──► away, once ──► next round when the link is back, or after RETRY_MS
 *
 * Why it looks again at the newest event that it handed over: a server that lost acknowledged events (a power failure with
 * unsynced writes) and was given others since has the same epoch and enough events, and only their content differs.
 */
import { setTimeout } from 'node:timers/promises';
import { FOLLOW_BATCH_EVENTS, JournalError, type FollowItem, type FollowOptions } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type { StreamInfo } from '@nats-io/jetstream';
import { messageOf } from './nats-failure.ts';
import { PullReader, type Delivered } from './pull-reader.ts';
import { recordedEventOf } from './recorded-message.ts';
import type { StreamAccess } from './stream-access.ts';

/** Between two tries while the link stands and the stream does not answer. */
const RETRY_MS = 200;
/**
 * A new leader of a stream with copies may not have applied yet what the old one acknowledged. Fewer events than the cursor
 * count as lost only when it says so for this long.
 */
const LOST_TAIL_CONFIRM_MS = 1_000;

/** The newest event handed over. */
interface Anchor {
  readonly revision: number;
  readonly timeNs: string;
  readonly id: string;
}

export class StreamFollower {
  readonly #stream: StreamAccess;
  readonly #signal: AbortSignal;
  #cursor: number;
  #epoch: string | null;
  #anchor: Anchor | null = null;
  #isAway = false;
  #isCaughtUp = false;
  /** What was newest when this stretch of catching up began, and how far away that was. */
  #goal = 0;
  #goalDistance = 0;
  #tailMissingSinceMs: number | null = null;

  constructor(stream: StreamAccess, { afterRevision, epoch, signal }: FollowOptions) {
    this.#stream = stream;
    this.#signal = signal;
    this.#cursor = afterRevision;
    this.#epoch = epoch ?? null;
  }

  async *items(): AsyncGenerator<FollowItem, void> {
    while (!this.#signal.aborted) {
      try {
        const info = await this.#stream.info();
        const history = this.#judgeHistory(info);
        if (history === 'unsure') {
          await this.#untilWorthTrying();
          continue;
        }
        const isSame = history === 'same' && (yield* this.#round(info));
        if (!isSame) return yield { kind: 'epoch-changed', epoch: info.created };
      } catch (error) {
        if (error instanceof JournalError && !error.isRetryable) throw error;
        if (this.#signal.aborted) return;
        if (!this.#isAway) yield { kind: 'away', reason: messageOf(error) };
        this.#isAway = true;
        this.#isCaughtUp = false;
        await this.#untilWorthTrying();
      }
    }
  }

  /** Throws `compacted`. */
  #judgeHistory({ created, state, config }: StreamInfo): 'same' | 'other' | 'unsure' {
    this.#epoch ??= created;
    if (this.#epoch !== created) return 'other';
    if (state.last_seq < this.#cursor) {
      this.#tailMissingSinceMs ??= performance.now();
      const missingMs = performance.now() - this.#tailMissingSinceMs;
      return config.num_replicas === 1 || missingMs >= LOST_TAIL_CONFIRM_MS ? 'other' : 'unsure';
    }
    this.#tailMissingSinceMs = null;
    if (this.#cursor + 1 < state.first_seq) {
      const missing = `events ${this.#cursor + 1} to ${state.first_seq - 1}`;
      const message = `the stream ${this.#stream.name} has no ${missing} any more; begin with a snapshot`;
      throw new JournalError('compacted', message);
    }
    if (this.#anchor !== null && this.#anchor.revision < state.first_seq) this.#anchor = null;
    return 'same';
  }

  /** Reads until the reader ends. Answers false where the history turns out to be another one. */
  async *#round({ state }: StreamInfo): AsyncGenerator<FollowItem, boolean> {
    const openedAtMs = performance.now();
    const cursorBefore = this.#cursor;
    const revision = this.#anchor?.revision ?? this.#cursor + 1;
    const reader = await PullReader.open(this.#stream, { start: { revision } });
    const abort = (): void => reader.end('aborted');
    this.#signal.addEventListener('abort', abort);
    try {
      this.#aimFor(state.last_seq);
      if (reader.pendingCount === 0) yield* this.#markWhereDue(false);
      let unproven = this.#anchor;
      for (;;) {
        const batch = await reader.take(FOLLOW_BATCH_EVENTS);
        if (this.#signal.aborted) return true;
        if (batch.length === 0) break;
        const proof = unproven === null ? null : proofOf(unproven, batch);
        if (proof === 'differs') return false;
        if (proof === 'equals') unproven = null;
        yield* this.#handOver(batch, reader);
      }
      // A cut is an outage at once. Anything else is tried anew, but not again and again without an event in between.
      const isFruitless = this.#cursor === cursorBefore && performance.now() - openedAtMs < RETRY_MS;
      if (this.#stream.link.connection !== null && !isFruitless) return true;
      throw new JournalError('failed', `the journal ${this.#stream.name} is away: ${reader.endReason}`);
    } finally {
      this.#signal.removeEventListener('abort', abort);
      reader.close();
    }
  }

  async *#handOver(batch: readonly Delivered[], reader: PullReader): AsyncGenerator<FollowItem, void> {
    const events: RecordedEvent[] = [];
    for (const { message, delivery } of batch) {
      if (delivery.revision > this.#cursor) events.push(recordedEventOf(message, delivery));
    }
    const { delivery } = batch.at(-1)!;
    const newest = events.at(-1);
    await this.#stream.expectWhole(this.#cursor, events);
    if (newest !== undefined) {
      this.#cursor = newest.revision;
      this.#anchor = { revision: newest.revision, timeNs: delivery.timeNs, id: newest.id };
      this.#isAway = false;
      yield { kind: 'events', events };
    }
    const isMoreComing = delivery.pendingCount > 0 || reader.queuedCount > 0;
    if (batch.length === FOLLOW_BATCH_EVENTS && isMoreComing && this.#isCaughtUp) {
      this.#isCaughtUp = false;
      this.#aimFor((await this.#stream.info()).state.last_seq);
    }
    yield* this.#markWhereDue(isMoreComing);
  }

  #aimFor(newest: number): void {
    this.#goal = newest;
    this.#goalDistance = newest - this.#cursor;
  }

  /**
   * Caught up is who has reached what was newest when at most one batch was missing. What is newest is the leader's word:
   * the copy that the reader reads from may lag behind what was acknowledged, and then has nothing more to send.
   */
  async *#markWhereDue(isMoreComing: boolean): AsyncGenerator<FollowItem, void> {
    if (this.#isCaughtUp || this.#signal.aborted) return;
    if (this.#cursor >= this.#goal && this.#goalDistance > FOLLOW_BATCH_EVENTS) {
      this.#aimFor((await this.#stream.info()).state.last_seq);
    }
    // Below the goal with nothing to come: a lagging copy, or the newest events were removed by hand.
    if (this.#cursor < this.#goal && (isMoreComing || (await this.#stream.hasEventAfter(this.#cursor)))) return;
    this.#isCaughtUp = true;
    this.#isAway = false;
    yield { kind: 'caught-up', revision: Math.max(this.#cursor, this.#goal) };
  }

  /** Until the link is back, or for `RETRY_MS` while it stands. */
  async #untilWorthTrying(): Promise<void> {
    const { link } = this.#stream;
    const signal = this.#signal;
    const isWorthIt = link.connection === null ? link.connected(signal) : setTimeout(RETRY_MS, undefined, { signal });
    // Aborted: the loop ends by itself.
    await Promise.resolve<unknown>(isWorthIt).catch(() => undefined);
  }
}

/** Whether a batch holds the very event that was handed over last; null: it does not reach it yet. */
function proofOf(anchor: Anchor, batch: readonly Delivered[]): 'equals' | 'differs' | null {
  // A copy of the stream that lags behind begins with what it has, which is older.
  const first = batch.find(({ delivery }) => delivery.revision >= anchor.revision);
  if (first === undefined) return null;
  const { id, revision } = recordedEventOf(first.message, first.delivery);
  const isSame = revision === anchor.revision && first.delivery.timeNs === anchor.timeNs && id === anchor.id;
  return isSame ? 'equals' : 'differs';
}
