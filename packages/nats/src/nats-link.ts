/**
 * One connection to NATS for the life of a process: it is made when NATS is there, and made again for ever when it was lost.
 *
 * Each time it is a new `NatsConnection`, made by this package's own loop. The client library can reconnect too, but then a request
 * on a connection that was cut waits for its whole timeout, the first contact cannot be given up, and nobody says why it is
 * away. So whatever lives on a connection, subscriptions above all, is made again by its owner when `watch` says so.
 */
import { isIP } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { backoffLimitMs } from '@muster/membership';
import type { NatsConnection } from '@nats-io/transport-node';
import { checkNatsAccess, secretFileWarnings, serverAddresses } from './access-check.ts';
import { connectionEnd } from './connection-end.ts';
import { complaint, dial, type Connected, type DialOptions } from './dialer.ts';
import { describeServers, NatsAccessError, type NatsAccess } from './nats-access.ts';
import type { ServerAddress } from './server-url.ts';

export interface NatsLink {
  /** The connection while it stands, else null. What is asked on one that was cut fails at once. */
  readonly connection: NatsConnection | null;
  /** For people, without secrets: why it does not stand; null while it does. */
  readonly awayReason: string | null;
  /** Resolves at once while it stands, else when it does again; rejects when the link is closed or the signal says so. */
  connected(signal?: AbortSignal): Promise<NatsConnection>;
  /** Told at once what is the case, and at every change. Returns what ends it. */
  watch(onChange: (isConnected: boolean) => void): () => void;
  /**
   * Leaves the server that it stands on for another one, where there is another: `reason` completes the sentence `NATS at … was left: `.
   * A server that was left is tried again last, for a minute. How often somebody may leave is the caller's business. Does nothing
   * while the link does not stand.
   */
  leave(reason: string): void;
  /** Flushes what was sent, for at most a second, and closes. Idempotent. */
  close(): Promise<void>;
}

export interface NatsLinkOptions {
  /**
   * The longest pause between two attempts, in ms. Default 500, which keeps a node less than a second behind a server that came
   * back; where thousands of clients share a server, 5,000.
   */
  readonly reconnectWaitMaxMs?: number;
  /** A server that leaves two pings unanswered counts as gone. Default 2,000 ms. */
  readonly pingIntervalMs?: number;
  /** At least 0, below 1. Default `Math.random`. */
  readonly random?: () => number;
  /**
   * Told in one line what changed; the same line is not told twice in a row. `warn`: it is away, or the server refused something;
   * `info`: it is there. Default: nobody is told.
   */
  readonly log?: (line: string, level: 'info' | 'warn') => void;
}

const RECONNECT_WAIT_MAX_MS = 500;
const PING_INTERVAL_MS = 2_000;
const CLOSE_TIMEOUT_MS = 1_000;
/** A connection that stood shorter is one more failure in a row: the server takes clients and drops them. */
const STEADY_AFTER_MS = 1_000;

/** For so long a server that was left is tried after the others. */
const LEFT_FOR_MS = 60_000;

/** Connects in the background. Throws `NatsAccessError` at once where the access cannot be used: servers, files, contradictions. */
export function openNatsLink(access: NatsAccess, options: NatsLinkOptions = {}): NatsLink {
  const servers = serverAddresses(access);
  const fault = checkNatsAccess(access);
  if (fault !== null) throw new NatsAccessError(fault);
  for (const line of secretFileWarnings(access)) options.log?.(line, 'warn');
  return new Link(access, servers, options);
}

class Link implements NatsLink {
  readonly #dialOptions: DialOptions;
  readonly #reconnectWaitMaxMs: number;
  readonly #log: NonNullable<NatsLinkOptions['log']>;
  readonly #watchers = new Set<(isConnected: boolean) => void>();
  readonly #closing = new AbortController();
  readonly #finished: Promise<void>;
  /** When each server was left that others are preferred to, by its label, in ms of `performance.now`. */
  readonly #leftMsByServer = new Map<string, number>();
  #connection: NatsConnection | null = null;
  /** Ends the standing of the present connection. */
  #leaving: PromiseWithResolvers<string> | null = null;
  #awayReason: string;
  #toldLine = '';

  constructor(access: NatsAccess, servers: readonly ServerAddress[], options: NatsLinkOptions) {
    const { random = Math.random, pingIntervalMs = PING_INTERVAL_MS, log = () => undefined } = options;
    this.#reconnectWaitMaxMs = options.reconnectWaitMaxMs ?? RECONNECT_WAIT_MAX_MS;
    this.#log = log;
    this.#dialOptions = {
      access,
      servers,
      pingIntervalMs,
      random,
      signal: this.#closing.signal,
      rank: (server) => this.#rank(server),
    };
    this.#awayReason = `not connected yet to NATS at ${describeServers(access)}`;
    this.#finished = this.#run();
  }

  get connection(): NatsConnection | null {
    return this.#connection;
  }

  get awayReason(): string | null {
    return this.#connection === null ? this.#awayReason : null;
  }

  async connected(signal?: AbortSignal): Promise<NatsConnection> {
    const giveUp = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    giveUp.throwIfAborted();
    if (this.#connection !== null) return this.#connection;
    const { promise, resolve, reject } = Promise.withResolvers<NatsConnection>();
    const onAbort = () => reject(giveUp.reason as Error);
    giveUp.addEventListener('abort', onAbort);
    const unwatch = this.watch(() => this.#connection !== null && resolve(this.#connection));
    return promise.finally(() => {
      unwatch();
      giveUp.removeEventListener('abort', onAbort);
    });
  }

  watch(onChange: (isConnected: boolean) => void): () => void {
    // A function of its own, so that the same callback may watch twice.
    const watcher = (isConnected: boolean) => onChange(isConnected);
    this.#watchers.add(watcher);
    watcher(this.#connection !== null);
    return () => void this.#watchers.delete(watcher);
  }

  leave(reason: string): void {
    const { servers } = this.#dialOptions;
    // A name may lead to several servers, an address leads to one.
    if (servers.length === 1 && isIP(servers[0]!.host) !== 0) return;
    this.#leaving?.resolve(`was left: ${reason}`);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    if (!this.#closing.signal.aborted) {
      this.#awayReason = 'the link to NATS was closed';
      this.#closing.abort(new Error(this.#awayReason));
      if (connection !== null) {
        const late = wait(CLOSE_TIMEOUT_MS, undefined, { ref: false });
        // A flush fails only where the connection is lost, and then there is nothing left to flush.
        await Promise.race([connection.flush().catch(() => undefined), late]);
        await Promise.race([connection.close(), late]);
      }
    }
    await this.#finished;
  }

  async #run(): Promise<void> {
    const { signal } = this.#dialOptions;
    for (let failureCount = 0; !signal.aborted;) {
      const dialled = await dial(this.#dialOptions);
      if ('reason' in dialled) {
        failureCount++;
        this.#setAway(dialled.reason);
      } else {
        const stoodMs = await this.#stand(dialled);
        failureCount = stoodMs < STEADY_AFTER_MS ? failureCount + 1 : 0;
      }
      await this.#pause(failureCount);
    }
  }

  /** Until it is lost or closed. Returns for how long it stood, in ms. */
  async #stand({ connection, server }: Connected): Promise<number> {
    const sinceMs = performance.now();
    if (!this.#closing.signal.aborted) {
      this.#connection = connection;
      this.#tell(`connected to NATS at ${server.label}`, 'info');
      this.#notify(true);
      this.#leaving = Promise.withResolvers<string>();
      const left = this.#leaving.promise.then((reason) => {
        this.#leftMsByServer.set(server.label, performance.now());
        return reason;
      });
      const ended = connectionEnd(connection, (what) => this.#tell(complaint(server, what), 'warn'));
      const reason = await Promise.race([ended, left]);
      this.#leaving = null;
      this.#setAway(complaint(server, reason));
    }
    // Not waited for: it waits for everybody who still reads the connection's status.
    void connection.close();
    return performance.now() - sinceMs;
  }

  #setAway(reason: string): void {
    const wasConnected = this.#connection !== null;
    this.#connection = null;
    if (!this.#closing.signal.aborted) {
      this.#awayReason = reason;
      this.#tell(reason, 'warn');
    }
    if (wasConnected) this.#notify(false);
  }

  async #pause(failureCount: number): Promise<void> {
    const { random, signal } = this.#dialOptions;
    const maxMs = this.#reconnectWaitMaxMs;
    // Full jitter: all clients of a server lose it in one moment, so the first attempt is the one to spread.
    const waitMs = random() * backoffLimitMs(failureCount, { minMs: maxMs / 10, maxMs });
    try {
      await wait(waitMs, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** The servers that were left come last, the newest of them at the very end. */
  #rank({ label }: ServerAddress): number {
    const leftMs = this.#leftMsByServer.get(label) ?? -Infinity;
    return leftMs > performance.now() - LEFT_FOR_MS ? leftMs : -Infinity;
  }

  #notify(isConnected: boolean): void {
    const watchers = [...this.#watchers];
    for (const watcher of watchers) watcher(isConnected);
  }

  #tell(line: string, level: 'info' | 'warn'): void {
    if (line === this.#toldLine) return;
    this.#toldLine = line;
    this.#log(line, level);
  }
}
