/**
 * The journal on a NATS JetStream stream: the log that many nodes share.
 *
 * Stream `muster-<cluster>` keeps `muster.<cluster>.>`. A revision is a stream sequence, the epoch is the time at which the
 * stream was made, an event's id is its `Nats-Msg-Id`, and who published it stands in `Muster-Origin`. So whatever can
 * publish to NATS can append, and what it appends is an event like any other.
 *
 *     append ──► appender.ts          follow ──► stream-follower.ts ──┐
 *     head, renew ──► stream-access.ts    read ───────────────────────┴──► pull-reader.ts
 *     saveSnapshot, loadSnapshot ──► stream-snapshots.ts ──► snapshot-bucket.ts
 *
 * NATS may be away when it is opened and at any time after; then appends are `unavailable`, followers say `away` and go
 * on by themselves, and everything else throws.
 */
import {
  HEAD_TIMEOUT_MS,
  JournalError,
  type AppendOptions,
  type AppendOutcome,
  type FollowItem,
  type FollowOptions,
  type Head,
  type Journal,
  type NewEvent,
  type ReadOptions,
  type StoredSnapshot,
} from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type { NatsLink } from '@muster/nats';
import { Appender } from './appender.ts';
import { StreamAccess } from './stream-access.ts';
import { StreamFollower } from './stream-follower.ts';
import { readStream } from './stream-read.ts';
import { StreamSnapshots } from './stream-snapshots.ts';

export interface JetStreamJournalOptions {
  /** Stays the caller's: it is not closed with the journal. */
  readonly link: NatsLink;
  /** Second token of the subjects; the stream is `muster-<cluster>`, the bucket of its snapshots `muster-<cluster>-snapshots`. */
  readonly cluster: string;
  /** Default 1. */
  readonly replicas?: number;
  /** Default null: as the server limits it. A full stream refuses appends; it never drops what it has. */
  readonly streamBytesMax?: number | null;
  /** Default null: for ever. */
  readonly retentionHours?: number | null;
  /** Default 120,000. */
  readonly duplicateWindowMs?: number;
  /** How long opening waits for NATS; it then goes on without. Default 2,000. */
  readonly openTimeoutMs?: number;
  /** After this long an append whose outcome is not known is `unknown`. Default 3,000. */
  readonly appendBudgetMs?: number;
  /** For people: a config that differs harmlessly, a snapshot that cannot be read. Default: nowhere. */
  readonly log?: (line: string) => void;
}

export interface JetStreamJournal extends Journal, AsyncDisposable {
  /** In what the stream differs harmlessly from these options; empty until NATS was there. */
  readonly warnings: readonly string[];
  /** For people: why it did not answer when it was asked last, NATS or the stream; null where it did. */
  readonly awayReason: string | null;
}

const OPEN_TIMEOUT_MS = 2_000;
const APPEND_BUDGET_MS = 3_000;
const DUPLICATE_WINDOW_MS = 120_000;

/**
 * Looks the stream up, or makes it, and checks it. Throws `JournalError` `refused` where it must not be used. Where NATS does
 * not answer within `openTimeoutMs` it resolves all the same, and the check is made at the first contact.
 */
export async function openJetStreamJournal(options: JetStreamJournalOptions): Promise<JetStreamJournal> {
  const journal = new StreamJournal(options);
  try {
    await journal.opened(options.openTimeoutMs ?? OPEN_TIMEOUT_MS);
    return journal;
  } catch (error) {
    await journal.close();
    throw error;
  }
}

class StreamJournal implements JetStreamJournal {
  readonly #stream: StreamAccess;
  readonly #appender: Appender;
  readonly #snapshots: StreamSnapshots;
  readonly #closing = new AbortController();

  constructor(options: JetStreamJournalOptions) {
    const { link, cluster, replicas = 1, streamBytesMax = null, retentionHours = null } = options;
    const {
      duplicateWindowMs = DUPLICATE_WINDOW_MS,
      appendBudgetMs = APPEND_BUDGET_MS,
      log = () => undefined,
    } = options;
    this.#stream = new StreamAccess({ link, cluster, replicas, streamBytesMax, duplicateWindowMs, log });
    this.#appender = new Appender(this.#stream, appendBudgetMs);
    this.#snapshots = new StreamSnapshots(this.#stream, { retentionHours, log });
  }

  get warnings(): readonly string[] {
    return this.#stream.warnings;
  }

  get awayReason(): string | null {
    return this.#stream.awayReason;
  }

  async opened(timeoutMs: number): Promise<void> {
    const deadline = AbortSignal.timeout(timeoutMs);
    while (!deadline.aborted) {
      try {
        await this.#stream.link.connected(deadline);
        return await this.#stream.ready();
      } catch (error) {
        if (error instanceof JournalError && !error.isRetryable) throw error;
        // Away, or without a leader for a moment; the first contact is made up for later.
        await new Promise((resolve) => setTimeout(resolve, OPEN_RETRY_MS));
      }
    }
  }

  append(event: NewEvent, options?: AppendOptions): Promise<AppendOutcome> {
    return this.#appender.append(event, options);
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<RecordedEvent, void> {
    this.#throwIfClosed();
    for await (const events of readStream(this.#stream, options)) {
      yield* events;
      this.#throwIfClosed();
    }
  }

  async *follow(options: FollowOptions): AsyncGenerator<FollowItem, void> {
    this.#throwIfClosed();
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    yield* new StreamFollower(this.#stream, { ...options, signal }).items();
  }

  async head(): Promise<Head> {
    this.#throwIfClosed();
    const { info, backedMsAgo } = await this.#answerInTime(this.#stream.word());
    const { created, state, cluster } = info;
    const connectedTo = this.#stream.link.connection?.info?.server_name ?? '';
    const place = { connectedTo, leader: cluster?.leader ?? connectedTo };
    return {
      epoch: created,
      revision: state.last_seq,
      firstRevision: Math.max(1, state.first_seq),
      place,
      backedMsAgo,
    };
  }

  async saveSnapshot(snapshot: StoredSnapshot): Promise<void> {
    this.#throwIfClosed();
    await this.#snapshots.save(snapshot);
  }

  async loadSnapshot(atOrBefore = Infinity): Promise<StoredSnapshot | null> {
    this.#throwIfClosed();
    return this.#snapshots.load(atOrBefore);
  }

  async renew(): Promise<void> {
    this.#throwIfClosed();
    await this.#stream.renew();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#appender.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The first contact may have to make the stream first, which takes longer. */
  async #answerInTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const message = `the journal ${this.#stream.name} has not answered within ${HEAD_TIMEOUT_MS / 1_000} s`;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new JournalError('failed', message)), HEAD_TIMEOUT_MS);
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  #throwIfClosed(): void {
    if (!this.#closing.signal.aborted) return;
    throw new JournalError('closed', `the journal ${this.#stream.name} is closed; open it again`);
  }
}

/** Between two tries to open. */
const OPEN_RETRY_MS = 100;
