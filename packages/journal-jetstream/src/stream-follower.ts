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
 *     anything fails ──► next round when the link is back, or after RETRY_MS
 *
 * As long as a round cannot begin although the link stands, events are read without a consumer (`direct-reader.ts`). Where
 * that works, the journal counts as read for a while; where it does not, the follower says `away`, once.
 */
import { setTimeout } from 'node:timers/promises';
import { FOLLOW_BATCH_EVENTS, JournalError, type FollowItem, type FollowOptions } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type { StreamInfo } from '@nats-io/jetstream';
import { anchorAt, proofOf, type Anchor } from './anchor.ts';
import { DIRECT_EVENTS_MAX, DirectReader } from './direct-reader.ts';
import { natsMessageOf } from './nats-failure.ts';
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

/** Between two readings without a consumer, and before the first: mostly there is the next consumer at once. */
const DIRECT_POLL_MS = 100;
/**
 * For so long without an event, reading without a consumer counts as reading: any copy answers, also one that is cut off from
 * all others. Longer than JetStream takes for a new leader, measured at up to 7 s.
 */
const DIRECT_ALONE_MAX_MS = 10_000;

/** Where a round begins. `reader`: null where the history is another one. */
interface Opened {
  readonly info: StreamInfo;
  readonly history: 'same' | 'other' | 'unsure';
  readonly reader: PullReader | null;
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
  readonly #direct: DirectReader;
  /** Since when there was neither a consumer nor an event; null while there is a consumer. */
  #aloneSinceMs: number | null = null;

  constructor(stream: StreamAccess, { afterRevision, epoch, signal }: FollowOptions) {
    this.#stream = stream;
    this.#direct = new DirectReader(stream);
    this.#signal = signal;
    this.#cursor = afterRevision;
    this.#epoch = epoch ?? null;
  }

  async *items(): AsyncGenerator<FollowItem, void> {
    while (!this.#signal.aborted) {
      const opening = this.#open();
      try {
        yield* this.#readMeanwhile(opening);
        const { info, history, reader } = await opening;
        if (this.#signal.aborted) return;
        if (history === 'unsure') {
          await this.#untilWorthTrying();
          continue;
        }
        const isSame = reader !== null && (yield* this.#round(info, reader));
        if (!isSame) return yield { kind: 'epoch-changed', epoch: info.created };
      } catch (error) {
        if (error instanceof JournalError && !error.isRetryable) throw error;
        if (this.#signal.aborted) return;
        yield* this.#outlast(error);
      } finally {
        // A failure to open was told above.
        void opening.then(({ reader }) => reader?.close()).catch(() => undefined);
      }
    }
  }

  async #open(): Promise<Opened> {
    // What is read meanwhile may be newer than the answer.
    const cursor = this.#cursor;
    const info = await this.#stream.info();
    const history = this.#judgeHistory(info, cursor);
    if (history !== 'same') return { info, history, reader: null };
    const revision = this.#anchor?.revision ?? this.#cursor + 1;
    return { info, history, reader: await PullReader.open(this.#stream, { start: { revision } }) };
  }

  /** Throws `compacted`. */
  #judgeHistory({ created, state, config }: StreamInfo, cursor: number): Opened['history'] {
    this.#epoch ??= created;
    if (this.#epoch !== created) return 'other';
    if (state.last_seq < cursor) {
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
  async *#round({ state }: StreamInfo, reader: PullReader): AsyncGenerator<FollowItem, boolean> {
    const openedAtMs = performance.now();
    const cursorBefore = this.#cursor;
    this.#aloneSinceMs = null;
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
      this.#anchor = anchorAt(newest, delivery.timeNs);
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

  /** Goes on without a consumer, or says that it cannot. */
  async *#outlast(error: unknown): AsyncGenerator<FollowItem, void> {
    this.#aloneSinceMs ??= performance.now();
    const isReading = yield* this.#readDirectly();
    const isAlone = performance.now() - this.#aloneSinceMs > DIRECT_ALONE_MAX_MS;
    if ((!isReading || isAlone) && !this.#isAway && !this.#signal.aborted) {
      this.#isAway = true;
      this.#isCaughtUp = false;
      yield { kind: 'away', reason: natsMessageOf(error) };
    }
    yield* this.#readMeanwhile(this.#untilWorthTrying());
  }

  /** Reads without a consumer until something else has settled, however. */
  async *#readMeanwhile(pending: Promise<unknown>): AsyncGenerator<FollowItem, void> {
    let isPending = true;
    const over = (): void => void (isPending = false);
    const settled = pending.then(over, over);
    for (;;) {
      await Promise.race([settled, setTimeout(DIRECT_POLL_MS)]);
      if (!isPending) return;
      yield* this.#readDirectly();
    }
  }

  /** Hands over what there is behind the newest event. Answers whether it could be asked for. */
  async *#readDirectly(): AsyncGenerator<FollowItem, boolean> {
    for (;;) {
      if (this.#anchor === null || this.#signal.aborted) return false;
      const found = await this.#direct.readAfter(this.#anchor);
      if (found === null || this.#signal.aborted) return false;
      const newest = found.at(-1);
      if (newest === undefined) return true;
      this.#cursor = newest.place.revision;
      this.#anchor = newest.place;
      this.#isAway = false;
      if (this.#aloneSinceMs !== null) this.#aloneSinceMs = performance.now();
      yield { kind: 'events', events: found.map(({ event }) => event) };
      if (found.length < DIRECT_EVENTS_MAX) return true;
    }
  }

  /** Until the link is back, or for `RETRY_MS` while it stands. */
  async #untilWorthTrying(): Promise<void> {
    const { link } = this.#stream;
    const signal = this.#signal;
    const pause = () => setTimeout(RETRY_MS, undefined, { signal });
    // A link that was closed under the journal says so at once, whenever it is asked.
    const isWorthIt: Promise<unknown> = link.connection === null ? link.connected(signal).catch(pause) : pause();
    // Aborted: the loop ends by itself.
    await isWorthIt.catch(() => undefined);
  }
}
