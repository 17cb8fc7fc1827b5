/**
 * Reads the stream from a place on, in order, through a consumer of its own: what following and reading are made of.
 *
 * The consumer lives in the server's memory and dies with it, or when nobody has pulled for a while. A reader therefore
 * never repairs itself: whatever goes wrong (a cut, a missed heartbeat, a delivery out of sequence, a consumer that is
 * gone) ends it, and its owner opens another one at its cursor. The client's own ordered consumer repairs itself, and was
 * measured to stall for 44 s after a server restart and to pass over events of a stream that was made again.
 *
 *     server ◄── pull: at most PULL_EVENTS and PULL_BYTES ── reader ◄── take ── owner
 *            ──► messages ──► queue: at most two pulls ──────────────► up to FOLLOW_BATCH_EVENTS
 *
 * One pull is under way at a time, and the next one is sent when it is complete and the queue has room for it. So an
 * owner that reads slowly costs two pulls of memory, whatever the size of the messages that a foreign publisher stored.
 */
import { randomBytes } from 'node:crypto';
import { WakeUp } from '@muster/journal';
import { AckPolicy, DeliverPolicy, type ConsumerInfo } from '@nats-io/jetstream';
import { createInbox, nanos, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { parseDelivery, type Delivery } from './recorded-message.ts';
import type { StreamAccess } from './stream-access.ts';
import { CONSUMER_IDLE_MS } from './stream-settings.ts';

/**
 * Messages of one pull. With 500 to 10,000, a million small events cost 7 to 8 µs of CPU each (2.15.1 on the same, busy machine,
 * 60,000 to 110,000 a second), so what decides is a long way to the server: 20 ms of it leave 5,000 room for 250,000 a second.
 * With 1,000 a process that catches up needs 35 MB less.
 */
const PULL_EVENTS = 5_000;
/** Bytes of one pull; more where a single message of the server may be larger. From 1 MiB on it is no faster. */
const PULL_BYTES = 16_777_216;
/** A pull that is not filled ends then, and another follows. */
const PULL_EXPIRES_MS = 30_000;
/** The server says so often that it is there, while it has nothing else to say. */
const HEARTBEAT_MS = 500;
/** How often the reader looks whether it heard anything. */
const LISTEN_MS = 250;
/**
 * Looks in a row that found nothing, that is 500 to 750 ms: from then on each one asks whether the consumer is there. An answer
 * one look later, when the heartbeat has been due for 250 ms or more, ends the reader.
 */
const KNOCK_AFTER_LOOKS = 3;
/** Looks in a row that found nothing and were not answered, that is 1,500 to 1,750 ms: the reader ends. */
const SILENT_LOOKS_MAX = 7;
/**
 * A pull that the server refuses, because it asks for a heartbeat that is longer than the pull. So the consumer says that it
 * is there and sends nothing. Where it is not, because its server died, nobody listens, and the server that the reader is
 * connected to says that at once.
 */
const KNOCK = JSON.stringify({ batch: 1, expires: nanos(1_000), idle_heartbeat: nanos(60_000) });
const KNOCK_TOKEN = 'knock';
/** A cluster answers that a consumer is made before all of its servers know where it is; until then nobody answers a pull. */
const MADE_KNOWN_MS = 1_000;
const MADE_RETRY_MS = 5;

const STATUS = { heartbeat: 100, notFound: 404, timeout: 408, conflict: 409, noResponders: 503 } as const;

export interface Delivered {
  readonly message: Msg;
  readonly delivery: Delivery;
}

export interface PullReaderOptions {
  readonly start: { readonly revision: number } | { readonly timeMs: number };
  /** The owner wants no more than this many; default: as many as there are. */
  readonly countMax?: number;
}

export class PullReader {
  /** What the consumer had yet to be sent when it was made. */
  readonly pendingCount: number;
  readonly #stream: StreamAccess;
  readonly #connection: NatsConnection;
  readonly #consumer: string;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #changed = new WakeUp();
  readonly #watchdog: NodeJS.Timeout;
  readonly #noteEnd: () => void;
  #queue: Delivered[] = [];
  #taken = 0;
  #countLeft: number;
  /** Of the pull that is under way; 0: there is none. */
  #outstanding = 0;
  #pullNumber = 0;
  #pullDelivered = 0;
  #isByteBound = false;
  #isOversized = false;
  #lastDelivery = 0;
  readonly #openedAtMs = performance.now();
  #silentLooks = 0;
  #endReason: string | null = null;

  private constructor(
    stream: StreamAccess,
    connection: NatsConnection,
    made: { info: ConsumerInfo; inbox: string; countMax: number },
  ) {
    this.#stream = stream;
    this.#connection = connection;
    this.#consumer = made.info.name;
    this.#inbox = made.inbox;
    this.#countLeft = made.countMax;
    this.pendingCount = made.info.num_pending;
    this.#subscription = connection.subscribe(`${made.inbox}.*`, {
      callback: (error, message) => (error === null ? this.#receive(message) : this.end(error.message)),
    });
    this.#watchdog = setInterval(() => this.#checkSilence(), LISTEN_MS);
    const hasEnded = Promise.withResolvers<void>();
    this.#noteEnd = hasEnded.resolve;
    const unwatch = stream.link.watch((isConnected) => {
      if (!isConnected) this.end('the connection to NATS was cut');
    });
    // A promise, because the link tells at once what is the case, before there is a way to stop being told.
    void hasEnded.promise.then(unwatch);
    this.#pull();
  }

  /** Makes the consumer. Throws what the client throws. */
  static async open(stream: StreamAccess, { start, countMax = Infinity }: PullReaderOptions): Promise<PullReader> {
    const connection = stream.connection();
    const manager = await stream.manager();
    const info = await manager.consumers.add(stream.name, {
      // Short, because every message carries it, and the client looks at each byte of that twice.
      name: randomBytes(8).toString('base64url'),
      ack_policy: AckPolicy.None,
      ...startPolicy(start),
      inactive_threshold: nanos(CONSUMER_IDLE_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    // The prefix of the connection's inboxes is a permission's boundary; the API's options are where the client tells it.
    const inbox = createInbox(manager.getOptions().watcherPrefix);
    return new PullReader(stream, connection, { info, inbox, countMax });
  }

  /** Why nothing more will come; null while it may. What was queued before is still handed out. */
  get endReason(): string | null {
    return this.#endReason;
  }

  /** Messages that have arrived and were not taken. */
  get queuedCount(): number {
    return this.#queue.length - this.#taken;
  }

  /** The next 1 to `countMax` messages, in order; none when the reader has ended. */
  async take(countMax: number): Promise<readonly Delivered[]> {
    while (this.queuedCount === 0) {
      if (this.#endReason !== null) return [];
      await this.#changed.next;
    }
    const messages = this.#queue.slice(this.#taken, this.#taken + countMax);
    this.#taken += messages.length;
    if (this.queuedCount === 0) {
      this.#queue = [];
      this.#taken = 0;
    } else if (this.#taken >= PULL_EVENTS) {
      this.#queue = this.#queue.slice(this.#taken);
      this.#taken = 0;
    }
    if (this.#outstanding === 0) this.#pull();
    return messages;
  }

  /** Ends it for this reason; the first one counts. */
  end(reason: string): void {
    if (this.#endReason !== null) return;
    this.#endReason = reason;
    clearInterval(this.#watchdog);
    this.#noteEnd();
    if (!this.#connection.isClosed()) this.#subscription.unsubscribe();
    this.#changed.wake();
  }

  /** Ends it, and takes its consumer from the server without waiting. */
  close(): void {
    const isThere = this.#endReason === null;
    this.end('closed');
    if (!isThere || this.#connection.isClosed()) return;
    this.#connection.publish(`$JS.API.CONSUMER.DELETE.${this.#stream.name}.${this.#consumer}`);
  }

  #pull(): void {
    // After a pull that its bytes ended, the messages are large: then what is queued is read first.
    const isFull = this.queuedCount >= (this.#isByteBound ? 1 : PULL_EVENTS);
    if (isFull || this.#endReason !== null || this.#countLeft === 0) return;
    const bytesMax = Math.max(PULL_BYTES, 2 * (this.#connection.info?.max_payload ?? 0));
    // One that is larger than that was stored under another limit. It is taken alone, whatever its size.
    const size = this.#isOversized
      ? { batch: 1 }
      : { batch: Math.min(PULL_EVENTS, this.#countLeft), max_bytes: bytesMax };
    this.#outstanding = size.batch;
    this.#countLeft -= size.batch;
    this.#pullDelivered = 0;
    this.#pullNumber += 1;
    this.#silentLooks = 0;
    const request = { ...size, expires: nanos(PULL_EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) };
    const reply = `${this.#inbox}.${this.#pullNumber}`;
    this.#connection.publish(this.#pullSubject, JSON.stringify(request), { reply });
  }

  #receive(message: Msg): void {
    if (this.#endReason !== null) return;
    if (message.subject.endsWith(KNOCK_TOKEN)) return this.#receiveKnockAnswer(message);
    this.#silentLooks = 0;
    const { reply } = message;
    if (!reply) return this.#receiveStatus(message);
    const delivery = parseDelivery(reply);
    this.#lastDelivery += 1;
    if (delivery.deliverySequence !== this.#lastDelivery) return this.end('a delivery was lost on its way');
    this.#queue.push({ message, delivery });
    this.#pullDelivered += 1;
    this.#outstanding -= 1;
    if (this.#outstanding === 0) {
      this.#isByteBound = this.#isOversized;
      this.#isOversized = false;
      this.#pull();
    }
    // Whoever waits waits for the first.
    if (this.queuedCount === 1) this.#changed.wake();
  }

  #receiveStatus({ subject, headers }: Msg): void {
    const code = headers?.code ?? 0;
    const text = headers?.description ?? '';
    if (code === STATUS.heartbeat) {
      const sent = Number(headers?.get('Nats-Last-Consumer') ?? 0);
      if (sent > this.#lastDelivery) this.end('a delivery was lost on its way');
      return;
    }
    if (!subject.endsWith(`.${this.#pullNumber}`) || this.#isOfFilledPull(code, text)) return;
    if (code === STATUS.noResponders && this.#isJustMade()) {
      setTimeout(() => this.#repeatPull(), MADE_RETRY_MS);
      return;
    }
    const isTooSmall = code === STATUS.conflict && /exceeds maxbytes/i.test(text);
    if (code !== STATUS.timeout && code !== STATUS.notFound && !isTooSmall) {
      return this.end(`the server ended it: ${code} ${text}`);
    }
    this.#isByteBound = isTooSmall;
    this.#isOversized = isTooSmall && this.#pullDelivered === 0;
    this.#repeatPull();
  }

  /**
   * A pull that was filled is over, whatever the server says of it afterwards, and so is one of which it says that it is filled:
   * from 2.10 on `409 Batch Completed` ends each one that had a limit of bytes. If a message of it was lost on the way, the next
   * heartbeat or delivery tells, or the silence.
   */
  #isOfFilledPull(code: number, text: string): boolean {
    return this.#outstanding === 0 || (code === STATUS.conflict && /batch completed/i.test(text));
  }

  /**
   * That the consumer is there is no sign of life. Who answers this one had to answer the pull before it, with a heartbeat that is
   * long overdue: so the pull was lost, as happens while the servers of a cluster find each other again.
   */
  #receiveKnockAnswer({ headers }: Msg): void {
    if (headers?.code === STATUS.noResponders) return this.end('its consumer is gone, with the server that had it');
    if (this.#silentLooks > KNOCK_AFTER_LOOKS) this.end('its pull was lost on the way');
  }

  #repeatPull(): void {
    this.#countLeft += this.#outstanding;
    this.#outstanding = 0;
    this.#pull();
  }

  #isJustMade(): boolean {
    return this.#lastDelivery === 0 && performance.now() - this.#openedAtMs < MADE_KNOWN_MS;
  }

  /** Counts looks, not time: after a turn that was busy for seconds, what has arrived is heard before the next look. */
  #checkSilence(): void {
    this.#silentLooks = this.#outstanding > 0 ? this.#silentLooks + 1 : 0;
    if (this.#silentLooks >= SILENT_LOOKS_MAX) return this.end('the server sent no heartbeat');
    if (this.#silentLooks < KNOCK_AFTER_LOOKS || this.#connection.isClosed()) return;
    this.#connection.publish(this.#pullSubject, KNOCK, { reply: `${this.#inbox}.${KNOCK_TOKEN}` });
  }

  get #pullSubject(): string {
    return `$JS.API.CONSUMER.MSG.NEXT.${this.#stream.name}.${this.#consumer}`;
  }
}

function startPolicy(start: PullReaderOptions['start']) {
  if ('revision' in start)
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, start.revision) };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.timeMs).toISOString() };
}
