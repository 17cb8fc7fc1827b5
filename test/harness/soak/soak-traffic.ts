/**
 * The clients of the soak, quick and slow ones, who look at every byte that they get. What fails is only counted: backends turn
 * unhealthy and are removed all the time. A byte that was not sent for the one who reads it is kept with its neighbours.
 */
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import type { Random } from '../../simulation/schedule/random.ts';
import { OwnBytes } from './own-bytes.ts';

const REQUEST_TIMEOUT_MS = 20_000;
const LARGE_BYTES = 3_000_000;
const SLOW_READ_MS = 20;

export interface SoakPorts {
  /** Listeners that speak HTTP, of different pools and with different filters. */
  readonly http: readonly number[];
  readonly tcp: number;
}

/** What one client does again and again, and how many do. */
const HABITS = {
  quick: 6,
  slow: 4,
  upload: 3,
  leaving: 3,
  streaming: 3,
  cut: 1,
  waiting: 6,
  tunnel: 2,
  relay: 4,
} as const;
type Habit = keyof typeof HABITS;

interface Asked {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly token: string;
  /** Of the upload; 0: none. */
  readonly sentBytes?: number;
  /** Between two reads. */
  readonly paceMs?: number;
  /** The client resets its connection after so long. */
  readonly leavesAfterMs?: number;
}

export class SoakTraffic {
  /** For each foreign byte that somebody got: who, and what it began with. */
  readonly foreign: string[] = [];
  readonly counts: Record<string, number> = {};
  checkedBytes = 0;
  readonly #ports: SoakPorts;
  readonly #random: Random;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #stopping = new AbortController();
  readonly #clients: Promise<void>[] = [];
  #tokensCount = 0;

  constructor(ports: SoakPorts, random: Random) {
    this.#ports = ports;
    this.#random = random;
  }

  start(): void {
    for (const [habit, clients] of Object.entries(HABITS) as [Habit, number][]) {
      for (let count = 0; count < clients; count++) this.#clients.push(this.#repeat(habit));
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#agent.destroy();
    await Promise.all(this.#clients);
  }

  async #repeat(habit: Habit): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const outcome = await this.#once(habit).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
      const name = `${habit} ${outcome}`;
      this.counts[name] = (this.counts[name] ?? 0) + 1;
      await sleep(this.#random.between(5, 60));
    }
  }

  #once(habit: Habit): Promise<string> {
    const random = this.#random;
    const token = `${habit}-${++this.#tokensCount};`;
    const size = random.pick([1, 500, 5_000, 100_000]);
    switch (habit) {
      case 'quick':
        return this.#ask({ path: `/${random.pick(['own', 'chunked'])}/${token}/${size}`, token });
      case 'slow':
        return this.#ask({ path: `/own/${token}/${LARGE_BYTES}`, token, paceMs: SLOW_READ_MS });
      case 'upload':
        return this.#ask({ method: 'POST', path: '/echo', token, sentBytes: size * 3 });
      case 'leaving': {
        const leavesAfterMs = random.between(1, 800);
        return this.#ask({ path: `/own/${token}/${LARGE_BYTES}`, token, paceMs: 200, leavesAfterMs });
      }
      case 'streaming':
        return this.#ask({ path: `/stream/${token}`, token, leavesAfterMs: random.between(100, 3_000) });
      case 'cut':
        return this.#ask({ path: `/cut/${token}/${size}`, token });
      case 'waiting': {
        const leaves = random.chance(0.3) ? { leavesAfterMs: random.between(1, 200) } : {};
        return this.#ask({ path: `/wait/${token}/${random.between(1, 300)}`, token, ...leaves });
      }
      case 'tunnel':
        return this.#tunnel(token);
      case 'relay':
        return this.#talk(connect({ port: this.#ports.tcp, host: '127.0.0.1' }), token);
    }
  }

  async #ask(asked: Asked): Promise<string> {
    const { method = 'GET', path, sentBytes = 0, leavesAfterMs = REQUEST_TIMEOUT_MS } = asked;
    const port = this.#random.pick(this.#ports.http);
    const request = httpRequest({ host: '127.0.0.1', port, path, method, agent: this.#agent });
    request.on('error', () => undefined);
    const leaving = setTimeout(() => request.destroy(), leavesAfterMs);
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    // It may fail before anybody waits for it.
    answered.catch(() => undefined);
    try {
      await this.#upload(request, new OwnBytes(asked.token), sentBytes);
      const [response] = await answered;
      await this.#check(response, asked);
      return `${response.statusCode}`;
    } finally {
      clearTimeout(leaving);
      request.destroy();
    }
  }

  async #upload(request: ClientRequest, own: OwnBytes, sentBytes: number): Promise<void> {
    while (own.bytesCount < sentBytes && !request.destroyed) {
      const isTaken = request.write(own.next(sentBytes - own.bytesCount));
      if (!isTaken) await drained(request);
    }
    request.end();
  }

  /** An answer of Muster's own, or of a filter, has no token in it. */
  async #check(response: IncomingMessage, { token, paceMs = 0 }: Asked): Promise<void> {
    const own = new OwnBytes(token);
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (response.statusCode === 200) this.#see(own, chunk, token);
      if (paceMs > 0) await sleep(paceMs);
    }
  }

  #see(own: OwnBytes, chunk: Buffer, token: string): void {
    this.checkedBytes += chunk.length;
    const foreign = own.foreignIn(chunk);
    if (foreign !== null && this.foreign.length < 20) this.foreign.push(`${token} got ${JSON.stringify(foreign)}`);
  }

  async #tunnel(token: string): Promise<string> {
    const headers = { Connection: 'upgrade', Upgrade: 'echo' };
    const port = this.#random.pick(this.#ports.http);
    const request = httpRequest({ host: '127.0.0.1', port, path: '/tunnel', headers, agent: false });
    request.on('error', () => undefined);
    request.on('socket', (socket) => socket.on('error', () => undefined));
    const upgraded = once(request, 'upgrade') as Promise<[IncomingMessage, Duplex]>;
    const answered = once(request, 'response').then(([response]) => `${(response as IncomingMessage).statusCode}`);
    answered.catch(() => undefined);
    upgraded.catch(() => undefined);
    request.end();
    const outcome = await Promise.race([upgraded, answered]);
    if (typeof outcome === 'string') {
      request.destroy();
      return outcome;
    }
    return this.#talk(outcome[1], token);
  }

  /** Says pieces of its own and hears them again, some times; then leaves, politely or not. */
  async #talk(socket: Duplex, token: string): Promise<string> {
    const [saying, hearing] = [new OwnBytes(token), new OwnBytes(token)];
    let failure: string | null = null;
    socket.on('error', (error: NodeJS.ErrnoException) => (failure = error.code ?? error.message));
    socket.on('data', (chunk: Buffer) => this.#see(hearing, chunk, token));
    for (let turn = 0; turn < 20 && !socket.destroyed && !socket.readableEnded; turn++) {
      socket.write(saying.next(this.#random.between(1, 60_000)));
      await sleep(this.#random.between(1, 60));
    }
    if (this.#random.chance(0.5)) socket.end();
    await sleep(50);
    socket.destroy();
    return failure ?? 'over';
  }
}

/** Resolves when more may be sent, or when there is no more use in sending. */
function drained(request: ClientRequest): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const events = ['drain', 'response', 'close'] as const;
  const done = (): void => {
    for (const event of events) request.off(event, done);
    resolve();
  };
  for (const event of events) request.on(event, done);
  return promise;
}
