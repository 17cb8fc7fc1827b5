/**
 * Reads on right behind a known event without a consumer, one message at a time.
 *
 * Why: consumers, and whatever asks for the stream's state, need a leader of all of JetStream. When the server that led both
 * that and the stream is killed, the stream has a new leader and takes appends up to seconds before JetStream has one
 * (2.15.1). Single messages are answered by any copy of the stream, leaders or not.
 *
 *     next? next? … ──► some ──► is the known event still what it was? ── yes ──► hand them over
 *                                                                     └── no ───► nothing
 *
 * Order and gaplessness: a copy that lags has a prefix of the stream, so it answers fewer, and of what copies answer side by
 * side only what follows without a gap is taken. A message that was removed by hand is such a gap; so is the end. Only a
 * consumer passes it, later. That the known event is looked at last is what keeps out a stream that was deleted and made
 * again meanwhile.
 *
 * What it does not do: it never says that a history is over, because a single message cannot prove that.
 */
import type { RecordedEvent } from '@muster/membership';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { anchorAt, isSameEvent, type Anchor } from './anchor.ts';
import { permissionViolation } from './nats-failure.ts';
import { nanosecondsOf, recordedEventOf } from './recorded-message.ts';
import type { StreamAccess } from './stream-access.ts';

/** Messages of one reading, at most; who wants more reads again. */
export const DIRECT_EVENTS_MAX = 64;
/** A copy answers from memory or disk; one that takes longer is on a server that is gone. */
const DIRECT_TIMEOUT_MS = 500;

const STATUS_NOT_FOUND = 404;

/** Events and the newest one's place. */
interface Stored {
  readonly event: RecordedEvent;
  readonly place: Anchor;
}

export class DirectReader {
  readonly #stream: StreamAccess;
  /** Where the server does not permit this user to read so: it is not asked again. */
  #forbiddenOn: NatsConnection | null = null;

  constructor(stream: StreamAccess) {
    this.#stream = stream;
  }

  /**
   * The 0 to `DIRECT_EVENTS_MAX` events right behind a known one, as far as the copy that answers has them. Null where that
   * event is not there as it was, or nobody answers.
   */
  async readAfter(anchor: Anchor): Promise<readonly Stored[] | null> {
    const { connection } = this.#stream.link;
    if (connection === null || connection === this.#forbiddenOn) return null;
    try {
      const found = await this.#stretch(connection, anchor.revision + 1);
      const known = await this.#get(connection, anchor.revision);
      return known !== null && isSameEvent(known.place, anchor) ? found : null;
    } catch (error) {
      if (permissionViolation(error) !== null) this.#forbiddenOn = connection;
      // Not told: who reads so asks for a consumer all the while, and tells why there is none.
      return null;
    }
  }

  async #stretch(connection: NatsConnection, from: number): Promise<readonly Stored[]> {
    // Mostly there is none, and then one question has to be enough.
    const first = await this.#get(connection, from);
    if (first === null) return [];
    const revisions = Array.from({ length: DIRECT_EVENTS_MAX - 1 }, (_, index) => from + 1 + index);
    const others = await Promise.all(revisions.map((revision) => this.#get(connection, revision)));
    const gap = others.indexOf(null);
    return [first, ...others.slice(0, gap === -1 ? others.length : gap).filter((one) => one !== null)];
  }

  /** Null where this copy has none. */
  async #get(connection: NatsConnection, revision: number): Promise<Stored | null> {
    const question = JSON.stringify({ seq: revision });
    const subject = `$JS.API.DIRECT.GET.${this.#stream.name}`;
    const answer = await connection.request(subject, question, { timeout: DIRECT_TIMEOUT_MS });
    if (answer.headers?.code === STATUS_NOT_FOUND) return null;
    if (Number(serverHeader(answer, 'Nats-Sequence')) !== revision) {
      throw new Error(`no message, but ${answer.headers?.description ?? 'something else'}`);
    }
    const timeNs = nanosecondsOf(serverHeader(answer, 'Nats-Time-Stamp'));
    const event = recordedEventOf(answer, { revision, timeNs }, serverHeader(answer, 'Nats-Subject'));
    return { event, place: anchorAt(event, timeNs) };
  }
}

/** The last one of that name: the server adds its own behind those of the publisher, who may have sent any. */
function serverHeader({ headers }: Msg, name: string): string {
  return headers?.values(name).at(-1) ?? '';
}
