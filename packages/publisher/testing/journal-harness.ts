/** What the tests publish into: a real nats-server with a stream made by hand, and what can be seen in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { natsServerProgram, startNatsServer, type NatsServer } from '@muster/nats-server';
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';

/** Without it, the tests that need a server are skipped. */
export const program = await natsServerProgram('system');

export interface SeenEvent {
  readonly revision: number;
  readonly subject: string;
  readonly id: string;
  readonly origin: string;
  readonly payload: unknown;
}

export class JournalHarness implements AsyncDisposable {
  readonly server: NatsServer;
  readonly #folder: string;
  readonly #user: object;
  #connection: NatsConnection | null = null;

  private constructor(server: NatsServer, folder: string, user: object) {
    this.server = server;
    this.#folder = folder;
    this.#user = user;
  }

  /** `user`: as whom the harness itself connects, where `configLines` have users. */
  static async start(options: { configLines?: string; user?: { user: string; pass: string } } = {}) {
    if ('unavailable' in program) throw new Error(program.unavailable);
    const folder = await mkdtemp(join(tmpdir(), 'muster-publisher-'));
    const server = await startNatsServer({ program, folder, configLines: options.configLines ?? '' });
    return new JournalHarness(server, folder, options.user ?? {});
  }

  get url(): string {
    return this.server.url;
  }

  async connection(): Promise<NatsConnection> {
    this.#connection ??= await connect({
      servers: this.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      ...this.#user,
    });
    return this.#connection;
  }

  async createStream(): Promise<void> {
    const manager = await jetstreamManager(await this.connection());
    await manager.streams.add({ name: 'muster-demo', subjects: ['muster.demo.>'] });
  }

  /** Everything in the stream, in order. A connection of its own asks, since a request is lost on one that is just coming back. */
  async events(): Promise<SeenEvent[]> {
    const connection = await connect({
      servers: this.url,
      waitOnFirstConnect: true,
      reconnectTimeWait: 50,
      ...this.#user,
    });
    try {
      return await seenIn(connection);
    } finally {
      await connection.close();
    }
  }

  async types(): Promise<string[]> {
    return (await this.events()).map(({ payload }) => (payload as { type: string }).type);
  }

  /** Calls back with each heartbeat of the cluster `demo`; `respond` on the message is a node's answer. */
  async onHeartbeat(callback: (heartbeat: Msg) => void): Promise<void> {
    const connection = await this.connection();
    connection.subscribe('muster-live.demo.lease.>', { callback: (_error, message) => callback(message) });
    await connection.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.close();
    await this.server[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function seenIn(connection: NatsConnection): Promise<SeenEvent[]> {
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info('muster-demo');
  const seen: SeenEvent[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('muster-demo', { seq });
    if (message === null) continue;
    seen.push({
      revision: seq,
      subject: message.subject,
      id: message.header.get('Nats-Msg-Id'),
      origin: message.header.get('Muster-Origin'),
      payload: message.json(),
    });
  }
  return seen;
}
