/**
 * Appends: each is published with its id until the outcome is known, or its time is up.
 *
 *     append ──► room for it? ──► publish ──► acknowledged ──────────────► appended
 *                    │               ├── expectation not met ──► read back ──► ours: appended · another's: conflict
 *                    │               ├── no answer, no leader ──► again with the same id, until APPEND_BUDGET_MS
 *                    ▼               └── not permitted, too large, full ──► refused, unavailable
 *               unavailable
 *
 * An answer may be lost, and the server's answer to a repeated id with an expectation depends on its version and copies:
 * some say `duplicate`, some that the expectation is not met, though it was our own event that broke it. What is stored
 * decides, and never the id alone, which others may have foreseen and used: the first message on the subject after the expected revision is ours, or we lost. Where nothing is there yet
 * although the expectation was not met, another append is under way on the server, and we try again.
 *
 * What is published while the connection is cut is neither failed nor sent later by the client, so a cut ends every attempt
 * at once, and each is repeated when the connection is back.
 */
import {
  answerToSameId,
  APPENDS_IN_FLIGHT_MAX,
  refuseAppend,
  type AppendOptions,
  type AppendOutcome,
  type NewEvent,
} from '@muster/journal';
import { jetstream, type JetStreamClient, type PubAck, type StoredMsg } from '@nats-io/jetstream';
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { AppendRoom } from './append-room.ts';
import { natsMessageOf, publishFailure } from './nats-failure.ts';
import { ID_HEADER, ORIGIN_HEADER } from './recorded-message.ts';
import type { StreamAccess } from './stream-access.ts';

/** An attempt without an answer for so long is repeated. */
const ATTEMPT_TIMEOUT_MS = 1_000;
/** Between two attempts where the server answered that it cannot, now. */
const RETRY_DELAY_MS = 50;
/** The protocol's own bytes in a message's head, beside subject, id and origin; generous. */
const HEAD_BYTES = 512;

interface Append {
  readonly event: NewEvent;
  readonly expectedRevision: number | null;
  readonly payload: Buffer;
  readonly deadlineMs: number;
  /** What it rests on may not hold a moment later: it is said on one connection, and not again where no answer came. */
  readonly isOnce: boolean;
}

/** What one attempt settled: the outcome, or why there must be another. */
type Settled =
  | { readonly outcome: AppendOutcome }
  | {
      readonly outcome: null;
      readonly isUncertain: boolean;
      readonly message: string;
      readonly delayMs: number;
      /** Whether the server said that an append like it is under way, so that it is decided in a moment, one way or the other. */
      readonly isUnderWay: boolean;
    };

export class Appender {
  readonly #stream: StreamAccess;
  readonly #budgetMs: number;
  readonly #room = new AppendRoom();
  readonly #clients = new WeakMap<NatsConnection, JetStreamClient>();
  /** How to end each attempt that is under way. */
  readonly #attempts = new Set<(reason: Error) => void>();
  readonly #unwatch: () => void;
  #closing: PromiseWithResolvers<void> | null = null;
  #underWay = 0;

  constructor(stream: StreamAccess, budgetMs: number) {
    this.#stream = stream;
    this.#budgetMs = budgetMs;
    this.#unwatch = stream.link.watch((isConnected) => {
      if (!isConnected) this.#endAttempts('the connection to NATS was cut');
    });
  }

  async append(event: NewEvent, options: AppendOptions = {}): Promise<AppendOutcome> {
    const refusal = refuseAppend(event, options) ?? this.#refuseSubject(event);
    if (refusal !== null) return refusal;
    const reason = this.#whyUnavailable();
    if (reason !== null) return { outcome: 'unavailable', message: reason };
    this.#underWay += 1;
    try {
      return await this.#appendWithin(event, options);
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#closing?.resolve();
    }
  }

  /** Lets what is under way find its outcome, at most `budgetMs` and an attempt. */
  async close(): Promise<void> {
    this.#closing ??= Promise.withResolvers<void>();
    if (this.#underWay === 0) this.#closing.resolve();
    await this.#closing.promise;
    this.#unwatch();
  }

  #refuseSubject({ subject }: NewEvent): AppendOutcome | null {
    const { name, subjectPrefix } = this.#stream;
    if (subject.startsWith(subjectPrefix)) return null;
    return {
      outcome: 'refused',
      reason: 'invalid',
      message: `the stream ${name} keeps ${subjectPrefix}>, not ${subject}`,
    };
  }

  #whyUnavailable(): string | null {
    const { name, link } = this.#stream;
    if (this.#closing !== null) return `the journal ${name} is closed; open it again`;
    if (link.connection === null) return `the journal ${name} is away: ${link.awayReason ?? 'NATS is not connected'}`;
    if (this.#underWay < APPENDS_IN_FLIGHT_MAX) return null;
    return `the journal ${name} has ${APPENDS_IN_FLIGHT_MAX} appends waiting; append again when some are answered`;
  }

  async #appendWithin(
    event: NewEvent,
    { expectedRevision, isOnce = false, timeoutMs = this.#budgetMs }: AppendOptions,
  ): Promise<AppendOutcome> {
    const append = {
      event,
      expectedRevision: expectedRevision ?? null,
      payload: Buffer.from(event.payload),
      deadlineMs: performance.now() + Math.min(timeoutMs, this.#budgetMs),
      isOnce,
    };
    try {
      await this.#stream.ready();
    } catch (error) {
      return { outcome: 'unavailable', message: natsMessageOf(error) };
    }
    const bytes = append.payload.length + HEAD_BYTES;
    const room = this.#room.enter(bytes);
    if (room === null) {
      const message = `the journal ${this.#stream.name} has too many bytes of payloads waiting; append again when some are answered`;
      return { outcome: 'unavailable', message };
    }
    await room;
    try {
      return await this.#attemptUntilSettled(append);
    } finally {
      this.#room.leave(bytes);
    }
  }

  async #attemptUntilSettled(append: Append): Promise<AppendOutcome> {
    const { link } = this.#stream;
    const { connection } = link;
    let isUncertain = false;
    let message = `the journal ${this.#stream.name} did not get to it in time`;
    while (performance.now() < append.deadlineMs && !(append.isOnce && link.connection !== connection)) {
      const settled = await this.#attempt(append, isUncertain);
      if (settled.outcome !== null) return settled.outcome;
      isUncertain ||= settled.isUncertain;
      message = settled.message;
      if (append.isOnce && !settled.isUnderWay) break;
      if (settled.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, settled.delayMs));
    }
    return { outcome: isUncertain ? 'unknown' : 'unavailable', message };
  }

  async #attempt(append: Append, wasUncertain: boolean): Promise<Settled> {
    const connection = await this.#connectionBy(append.deadlineMs);
    // Its time is up, or the link was closed and says so at once, whenever it is asked.
    if (connection === null) return again(false, this.#stream.link.awayReason ?? 'NATS is away', RETRY_DELAY_MS);
    const tooLarge = this.#refuseSize(append, connection);
    if (tooLarge !== null) return { outcome: tooLarge };
    let acknowledged: PubAck;
    try {
      acknowledged = await this.#publish(append, connection);
    } catch (error) {
      return this.#settleFailure(append, error, wasUncertain);
    }
    // One copy of the id is being stored right now, and its revision is not known yet.
    if (acknowledged.seq === 0) return underWay('the same id is being stored');
    if (acknowledged.duplicate) return this.#settleDuplicate(append, acknowledged.seq);
    return { outcome: { outcome: 'appended', revision: acknowledged.seq, isDuplicate: false } };
  }

  /** The server goes by the id alone, on whatever subject: only what is stored there says whose event it acknowledged. */
  async #settleDuplicate({ event }: Append, seq: number): Promise<Settled> {
    try {
      const stored = await this.#stream.message({ seq });
      if (stored !== null) return { outcome: answerToSameId(event, { revision: seq, ...textOf(stored) }) };
      // It was cut from the log: an old event, whose id is not free.
      return { outcome: answerToSameId(event, { revision: seq, subject: '', payload: '' }) };
    } catch (error) {
      return again(true, natsMessageOf(error), RETRY_DELAY_MS);
    }
  }

  async #settleFailure(append: Append, error: unknown, wasUncertain: boolean): Promise<Settled> {
    const failure = publishFailure(error);
    switch (failure.kind) {
      case 'wrong-sequence':
        return this.#readBack(append);
      case 'refused':
        return { outcome: { outcome: 'refused', reason: failure.reason, message: failure.message } };
      case 'rejected':
        return { outcome: { outcome: wasUncertain ? 'unknown' : 'unavailable', message: failure.message } };
      case 'retry':
        if (failure.isUnderWay) return underWay(failure.message);
        return again(failure.isUncertain, failure.message, this.#stream.link.connection === null ? 0 : RETRY_DELAY_MS);
    }
  }

  /** The expectation was not met: by our own event, or by another's. */
  async #readBack({ event, expectedRevision }: Append): Promise<Settled> {
    const { id, subject } = event;
    try {
      const after = (expectedRevision ?? 0) + 1;
      const first = await this.#stream.message({ seq: after, next_by_subj: subject });
      if (first !== null && first.header.get(ID_HEADER) === id && textOf(first).payload === event.payload) {
        return { outcome: { outcome: 'appended', revision: first.seq, isDuplicate: true } };
      }
      const newest = await this.#stream.message({ last_by_subj: subject });
      const actualRevision = newest?.seq ?? 0;
      if (actualRevision !== expectedRevision) return { outcome: { outcome: 'conflict', actualRevision } };
      return underWay('another append to the subject is under way');
    } catch (error) {
      return again(true, natsMessageOf(error), RETRY_DELAY_MS);
    }
  }

  #refuseSize({ event, payload }: Append, { info }: NatsConnection): AppendOutcome | null {
    const bytes = payload.length + HEAD_BYTES + Buffer.byteLength(event.origin ?? '');
    if (info === undefined || bytes <= info.max_payload) return null;
    const limit = `the NATS server takes messages of at most ${info.max_payload} bytes (max_payload)`;
    return { outcome: 'refused', reason: 'too-large', message: `the payload has ${payload.length} bytes; ${limit}` };
  }

  #publish({ event, expectedRevision, payload }: Append, connection: NatsConnection): Promise<PubAck> {
    const expect = { streamName: this.#stream.name };
    const published = this.#client(connection).publish(event.subject, payload, {
      msgID: event.id,
      timeout: ATTEMPT_TIMEOUT_MS,
      headers: headersOf(event),
      expect: expectedRevision === null ? expect : { ...expect, lastSubjectSequence: expectedRevision },
    });
    return new Promise((resolve, reject) => {
      this.#attempts.add(reject);
      published.then(resolve, reject).finally(() => this.#attempts.delete(reject));
    });
  }

  async #connectionBy(deadlineMs: number): Promise<NatsConnection | null> {
    const { link } = this.#stream;
    if (link.connection !== null) return link.connection;
    const leftMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
    return link.connected(AbortSignal.timeout(leftMs)).catch(() => null);
  }

  #client(connection: NatsConnection): JetStreamClient {
    let client = this.#clients.get(connection);
    if (client === undefined) this.#clients.set(connection, (client = jetstream(connection)));
    return client;
  }

  #endAttempts(reason: string): void {
    const error = new Error(reason);
    for (const end of this.#attempts) end(error);
    this.#attempts.clear();
  }
}

function textOf({ subject, data }: Pick<StoredMsg, 'subject' | 'data'>): {
  readonly subject: string;
  readonly payload: string;
} {
  return { subject, payload: Buffer.from(data).toString() };
}

function again(isUncertain: boolean, message: string, delayMs = 0): Settled {
  return { outcome: null, isUncertain, message, delayMs, isUnderWay: false };
}

function underWay(message: string): Settled {
  return { outcome: null, isUncertain: true, message, delayMs: RETRY_DELAY_MS, isUnderWay: true };
}

/** Text in headers is UTF-8 on the wire, as the command line's `nats pub -H` writes it. */
function headersOf({ origin }: NewEvent): MsgHdrs {
  const fields = headers();
  if (origin !== null) fields.append(ORIGIN_HEADER, origin);
  return fields;
}
