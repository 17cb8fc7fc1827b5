/**
 * Words that nobody keeps, over a link: said to whoever listens now, and lost when nobody does or the link is away.
 *
 * Nothing is queued on the way in: a word is handed over while it is read, so a listener that is slow holds up the reading, and the
 * server drops a client that is too slow by its own limit. On the way out, what a peer does not take waits in the socket until the
 * link's pings find it gone, seconds later. How much that can be is bounded: what this process says of itself is little, and answers,
 * which others ask for as often as they like, are `ANSWER_BYTES_PER_SECOND` at most. Whoever is not answered asks again.
 */
import { LIVE_WORD_CHARACTERS_MAX, type LiveMessage, type LiveWire } from '@muster/membership';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { NatsLink } from './nats-link.ts';

/** UTF-8 takes at most three bytes for a character of a JavaScript string. */
const BYTES_PER_CHARACTER_MAX = 3;

/** Answers to 10,000 members a second that nobody knows, or to a thousand whose registration was refused at length. */
const ANSWER_BYTES_PER_SECOND = 1_048_576;

const decoder = new TextDecoder();

export interface LiveWireOptions {
  /** Longer words are passed over, in both directions. Default `LIVE_WORD_CHARACTERS_MAX`. */
  readonly textCharactersMax?: number;
}

/** A wire for the life of the link; it has nothing of its own to close. */
export function liveWire(link: NatsLink, options: LiveWireOptions = {}): LiveWire {
  const { textCharactersMax = LIVE_WORD_CHARACTERS_MAX } = options;
  const watchers = new Set<() => void>();
  let refusedOn: NatsConnection | null = null;
  const noteRefusal = (connection: NatsConnection) => {
    refusedOn = connection;
    for (const look of watchers) look();
  };
  const say = (subject: string, text: string) => {
    const { connection } = link;
    if (connection === null || text.length > textCharactersMax) return;
    try {
      connection.publish(subject, text);
    } catch (error) {
      // The connection was closed a moment ago, or the subject is none: the word is lost, as words may be.
      if (!(error instanceof Error)) throw error;
    }
  };
  const allowance = new Allowance(ANSWER_BYTES_PER_SECOND);
  const read = (message: Msg): LiveMessage | null => {
    const { subject, data, reply } = message;
    if (data.length > textCharactersMax * BYTES_PER_CHARACTER_MAX) return null;
    const text = decoder.decode(data);
    if (text.length > textCharactersMax) return null;
    const answer = (words: string): void => {
      if (isInbox(reply) && allowance.take(reply.length + words.length)) say(reply, words);
    };
    return { subject, text, answer };
  };
  return {
    say,
    get server() {
      return link.connection?.info?.server_name ?? null;
    },
    leave: (reason) => link.leave(reason),
    listen: (subject, onMessage) =>
      listen(link, subject, {
        onMessage: (message) => {
          const word = read(message);
          if (word !== null) onMessage(word);
        },
        onRefused: noteRefusal,
      }),
    watch: (onChange) => {
      let isWhole: boolean | null = null;
      const look = () => {
        const isWholeNow = link.connection !== null && link.connection !== refusedOn;
        if (isWholeNow !== isWhole) onChange((isWhole = isWholeNow));
      };
      watchers.add(look);
      const unwatch = link.watch(look);
      return () => {
        watchers.delete(look);
        unwatch();
      };
    },
  };
}

/** So much a second, and no more at once. */
class Allowance {
  readonly #perSecond: number;
  #left: number;
  #atMs = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  take(amount: number): boolean {
    const nowMs = performance.now();
    this.#left = Math.min(this.#perSecond, this.#left + ((nowMs - this.#atMs) / 1_000) * this.#perSecond);
    this.#atMs = nowMs;
    if (amount > this.#left) return false;
    this.#left -= amount;
    return true;
  }
}

/**
 * The sender alone chooses where answers go, and they are said with this process's rights. Were any subject good, who may only beat
 * for a pool could have a node say whatever a node may, down to the purge of the stream. Inboxes, a sender's own (`_INBOX…`) and those
 * that the server makes between accounts (`_R_…`), begin with `_`, and nothing else of ours or of the server does.
 */
function isInbox(subject: string | undefined): subject is string {
  return subject?.startsWith('_') === true;
}

interface Ear {
  readonly onMessage: (message: Msg) => void;
  /** The server does not let this user hear the subject. */
  readonly onRefused: (connection: NatsConnection) => void;
}

/** Subscribes on each connection that the link makes. */
function listen(link: NatsLink, subject: string, { onMessage, onRefused }: Ear): () => void {
  let current: { readonly connection: NatsConnection; readonly subscription: Subscription } | null = null;
  const unwatch = link.watch(() => {
    const { connection } = link;
    if (connection === null || connection === current?.connection) return;
    current = { connection, subscription: connection.subscribe(subject, { callback }) };
  });
  return () => {
    unwatch();
    if (current !== null && !current.connection.isClosed()) current.subscription.unsubscribe();
  };

  function callback(refusal: Error | null, message: Msg): void {
    // The link's log tells of a subject that this user may not hear.
    if (refusal !== null) return current === null ? undefined : onRefused(current.connection);
    try {
      onMessage(message);
    } catch (error) {
      // Thrown here, it would end the client library's reading without a word. A listener's fault is the process's.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
