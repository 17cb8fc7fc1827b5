/**
 * One attempt to connect to any of the servers.
 *
 * They are tried by their rank, and in random order among equals, which spreads many clients over a cluster. The next one is asked as soon as one has failed, or did
 * not greet within a moment: a stopped server does not hold up the way to a live one.
 */
import { setTimeout as wait } from 'node:timers/promises';
import {
  AuthorizationError,
  connect,
  UserAuthenticationExpiredError,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { connectionFields } from './access-check.ts';
import { connectFailure, greetingFailure } from './greeting.ts';
import { NatsAccessError, type NatsAccess } from './nats-access.ts';
import type { ServerAddress } from './server-url.ts';

const CONNECT_TIMEOUT_MS = 2_000;
/** How long a server that has not greeted yet is waited for alone. */
const HEAD_START_MS = 250;
/** So many pings without an answer, and the server counts as gone. */
const UNANSWERED_PINGS_MAX = 2;

export interface DialOptions {
  readonly access: NatsAccess;
  readonly servers: readonly ServerAddress[];
  readonly pingIntervalMs: number;
  /** At least 0, below 1. */
  readonly random: () => number;
  /** The lowest is tried first. */
  readonly rank: (server: ServerAddress) => number;
  readonly signal: AbortSignal;
}

export interface Connected {
  readonly connection: NatsConnection;
  readonly server: ServerAddress;
}

type Dialled =
  | Connected
  /** One clause per server, without secrets. */
  | { readonly reason: string };

/** Never rejects. */
export async function dial(options: DialOptions): Promise<Dialled> {
  const reasons: string[] = [];
  const waiting = ordered(options);
  while (waiting.length > 0 && !options.signal.aborted) {
    const server = await firstToGreet(waiting, { signal: options.signal, reasons });
    if (server === null) break;
    waiting.splice(waiting.indexOf(server), 1);
    const outcome = await connectTo(server, options);
    if (typeof outcome !== 'string') return { connection: outcome, server };
    reasons.push(complaint(server, outcome));
  }
  // In an order of their own, so that the same trouble is always the same line.
  return { reason: reasons.sort().join('; ') };
}

/** For people: `NATS at nats://127.0.0.1:4222 refused the connection`. */
export function complaint({ label }: ServerAddress, what: string): string {
  return `NATS at ${label} ${what}`;
}

/** Takes those that failed out of `waiting`; null when none is left. */
async function firstToGreet(
  waiting: ServerAddress[],
  { signal, reasons }: { signal: AbortSignal; reasons: string[] },
): Promise<ServerAddress | null> {
  const over = new AbortController();
  const greetings: Promise<ServerAddress>[] = [];
  const ask = async (server: ServerAddress): Promise<ServerAddress> => {
    const failure = await greetingFailure(server, AbortSignal.any([signal, over.signal]));
    if (failure === null) return server;
    if (!over.signal.aborted) {
      reasons.push(complaint(server, failure));
      waiting.splice(waiting.indexOf(server), 1);
    }
    throw new Error(failure);
  };
  const first = async () => Promise.any(greetings).catch(() => null);
  try {
    for (const server of waiting.slice()) {
      greetings.push(ask(server));
      const headStart = wait(HEAD_START_MS, null, { signal: over.signal }).catch(() => null);
      const greeted = await Promise.race([first(), headStart]);
      if (greeted !== null) return greeted;
    }
    return await first();
  } finally {
    over.abort();
  }
}

async function connectTo(server: ServerAddress, options: DialOptions): Promise<NatsConnection | string> {
  const { name, inboxPrefix } = options.access;
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  try {
    const fields: ConnectionOptions = {
      servers: [`${host}:${server.port}`],
      name,
      reconnect: false,
      timeout: CONNECT_TIMEOUT_MS,
      pingInterval: options.pingIntervalMs,
      maxPingOut: UNANSWERED_PINGS_MAX,
      // The servers that the config names are the ones that may be talked to, also when a cluster tells of more.
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      ...(inboxPrefix !== undefined && { inboxPrefix }),
      ...connectionFields(options.access, server),
    };
    return await connect(fields);
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): string {
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError) {
    return `refused this user: ${error.message}`;
  }
  if (error instanceof NatsAccessError) return `cannot be asked: ${error.message}`;
  const { cause } = error as { cause?: NodeJS.ErrnoException };
  return connectFailure(cause instanceof Error ? cause : (error as Error));
}

function ordered({ servers, rank, random }: DialOptions): ServerAddress[] {
  const order = servers.map((server) => ({ server, rank: rank(server), chance: random() }));
  // Two that are -Infinity differ by NaN.
  const compared = (a: number, b: number): number => (a === b ? 0 : a - b);
  return order.sort((a, b) => compared(a.rank, b.rank) || a.chance - b.chance).map(({ server }) => server);
}
