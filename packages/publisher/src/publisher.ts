/**
 * One connection to NATS, and any number of members that share it.
 *
 * Most processes are one member and call `join`, which makes a publisher of its own. This is for those who are many members at
 * once, or who want to know what keeps a member from joining.
 *
 * It needs three permissions, and no other: to publish on `muster.<cluster>.backend.<pool>.<id>` and on
 * `muster-live.<cluster>.lease.<pool>.<id>`, and to subscribe below its inbox prefix. It can read nothing.
 */
import { messageOf, RETRY_BACKOFF } from '@muster/membership';
import { NatsAccessError, openNatsLink, type NatsAccess, type NatsLink } from '@muster/nats';
import { createInbox, PermissionViolationError, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { describeViolation } from './announce.ts';
import { checkMember, checkName, type MemberOptions } from './member-options.ts';
import { Member } from './member.ts';
import { PublisherError } from './publisher-error.ts';

/** How NATS is reached: by a connection of its own, or by one that is there and stays the caller's. */
export type PublisherOptions = {
  /** The second token of every subject. Default `default`. */
  readonly cluster?: string;
  /** As in `NatsAccess`. Default `_INBOX`. With a `link`, the one that it was opened with. */
  readonly inboxPrefix?: string;
} & ({ readonly link: NatsLink } | OwnConnection);

interface OwnConnection extends Omit<NatsAccess, 'servers' | 'name' | 'inboxPrefix'> {
  readonly link?: undefined;
  /** `nats://HOST:PORT`, one or more; in a text, with commas between them. */
  readonly servers: string | readonly string[];
  /** Shown in the server's list of connections. Default `muster-publisher`. */
  readonly name?: string;
  /** Told in one line when NATS is away and when it is back. Default: nobody is. */
  readonly log?: (line: string) => void;
}

/** A server that leaves two pings unanswered counts as gone. Thousands of publishers may share it, so they are in no hurry. */
const PING_INTERVAL_MS = 5_000;

/** Returns at once and goes on connecting by itself. Throws `PublisherError` with the code `invalid-option`. */
export function openPublisher(options: PublisherOptions): Publisher {
  const { cluster = 'default', inboxPrefix = '_INBOX' } = options;
  checkName('cluster', cluster);
  const parts = { cluster, inboxPrefix };
  if (options.link !== undefined) return new Publisher({ ...parts, link: options.link, ownsLink: false });
  return new Publisher({ ...parts, link: openLink(options, inboxPrefix), ownsLink: true });
}

function openLink(options: OwnConnection, inboxPrefix: string): NatsLink {
  const { servers, name = 'muster-publisher', log } = options;
  const list = typeof servers === 'string' ? servers.split(',').map((server) => server.trim()) : servers;
  const access = { ...accessFields(options), servers: list, name, inboxPrefix };
  const waits = { reconnectWaitMaxMs: RETRY_BACKOFF.maxMs, pingIntervalMs: PING_INTERVAL_MS };
  try {
    return openNatsLink(access, { ...waits, ...(log !== undefined && { log }) });
  } catch (error) {
    if (error instanceof NatsAccessError) throw new PublisherError('invalid-option', error.message, error);
    throw error;
  }
}

function accessFields({
  credentialsFile,
  nkeySeedFile,
  tls,
}: Omit<NatsAccess, 'servers' | 'name'>): Omit<NatsAccess, 'servers' | 'name'> {
  return {
    ...(credentialsFile !== undefined && { credentialsFile }),
    ...(nkeySeedFile !== undefined && { nkeySeedFile }),
    ...(tls !== undefined && { tls }),
  };
}

export class Publisher implements AsyncDisposable {
  readonly cluster: string;
  readonly #link: NatsLink;
  readonly #ownsLink: boolean;
  /** Each member's answers come to a subject below it; one subscription serves all. */
  readonly #inbox: string;
  readonly #members = new Map<string, Member>();
  readonly #closing = new AbortController();
  readonly #unwatch: () => void;
  #subscribed: { readonly connection: NatsConnection; readonly subscription: Subscription } | null = null;
  #memberCount = 0;
  #problem: string | null = null;

  /** `openPublisher` makes it. */
  constructor(parts: { cluster: string; inboxPrefix: string; link: NatsLink; ownsLink: boolean }) {
    this.cluster = parts.cluster;
    this.#link = parts.link;
    this.#ownsLink = parts.ownsLink;
    this.#inbox = createInbox(parts.inboxPrefix);
    this.#unwatch = parts.link.watch((isConnected) => isConnected && this.#onConnected());
  }

  /** For people, without secrets: why what is announced does not get through now; null when nothing is known to be wrong. */
  get problem(): string | null {
    return this.#link.awayReason ?? this.#problem;
  }

  /**
   * Registers a member; resolves once the journal has it. While NATS is away, or no stream is there, it waits and tries again for
   * ever, every 5 s at the longest. Throws `PublisherError`. `onLeft` is for `join`: awaited when the member has left.
   */
  async join(options: MemberOptions, onLeft?: () => Promise<void>): Promise<Member> {
    const spec = checkMember(this.cluster, options);
    const token = `${this.#memberCount++}`;
    const reply = `${this.#inbox}.${token}`;
    const member = new Member(spec, {
      link: this.#link,
      publish: (subject, text) => this.#publish(subject, text, reply),
      onProblem: (problem) => (this.#problem = problem),
      release: async () => {
        this.#members.delete(token);
        await onLeft?.();
      },
    });
    this.#members.set(token, member);
    const closing = this.#closing.signal;
    const outcome = await member.register(options.signal ? AbortSignal.any([closing, options.signal]) : closing);
    if (outcome.outcome === 'acknowledged') return member;
    // What was given up may have been recorded all the same, or may yet be.
    if (outcome.outcome === 'unconfirmed' && this.#link.connection !== null) void member.leave('gave up joining');
    else this.#members.delete(token);
    const name = `member "${spec.pool}/${spec.id}"`;
    if (outcome.outcome === 'refused') throw new PublisherError('not-permitted', `${name}: ${outcome.message}`);
    throw new PublisherError('aborted', `${name}: gave up joining: ${outcome.message}`, options.signal?.reason);
  }

  /** All its members leave; then it closes the connection, if that is its own. Idempotent. */
  async close(reason?: string): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#members.values()].map((member) => member.leave(reason)));
    this.#unwatch();
    this.#subscribed?.subscription.unsubscribe();
    this.#subscribed = null;
    if (this.#ownsLink) await this.#link.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #publish(subject: string, text: string, reply: string): void {
    try {
      this.#link.connection?.publish(subject, text, { reply });
    } catch (error) {
      // The connection was closed a moment ago. The next heartbeat takes the next one.
      this.#problem = messageOf(error);
    }
  }

  #onConnected(): void {
    const { connection } = this.#link;
    if (connection === null) return;
    if (this.#subscribed?.connection !== connection) this.#subscribe(connection);
    for (const member of this.#members.values()) member.beatNow();
  }

  /** Each connection of the link is a new one, and needs a subscription of its own. */
  #subscribe(connection: NatsConnection): void {
    const callback = (error: Error | null, message: { subject: string; string(): string }) => {
      if (error !== null) this.#problem = error.message;
      else this.#members.get(message.subject.slice(this.#inbox.length + 1))?.onAnswer(message.string());
    };
    this.#subscribed = { connection, subscription: connection.subscribe(`${this.#inbox}.*`, { callback }) };
    void this.#watchViolations(connection);
  }

  /** A heartbeat that the server refuses has no other echo. Ends with the connection. */
  async #watchViolations(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue;
      if (status.error.subject.startsWith('muster')) this.#problem = describeViolation(status.error);
    }
  }
}
