/**
 * The real data plane on real sockets, between a test's raw client and a backend that writes down every byte it is sent.
 */
import {
  emptyRoster,
  fold,
  listenerSpecSchema,
  type ListenerSpec,
  type MembershipEventInput,
} from '@muster/membership';
import { DataPlane } from '@muster/proxy';
import { bindSharedSocket } from '@muster/transport';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** One connection to the backend. */
export interface BackendConnection {
  /** Counted from 0. */
  readonly index: number;
  readonly socket: Socket;
  /** One character per byte. */
  received: string;
}

export class SocketProxy implements AsyncDisposable {
  readonly connections: BackendConnection[] = [];
  readonly #plane = new DataPlane({});
  readonly #backend: Server;
  port = 0;

  /** `onBytes` is told after each read, with what the connection has received so far; `onConnection` when it is accepted. */
  constructor(
    onBytes: (connection: BackendConnection) => void,
    onConnection: (connection: BackendConnection) => void = () => undefined,
  ) {
    this.#backend = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const connection: BackendConnection = { index: this.connections.length, socket, received: '' };
      this.connections.push(connection);
      socket.on('error', () => socket.destroy()).on('end', () => socket.end());
      socket.on('data', (bytes) => {
        connection.received += bytes.toString('latin1');
        onBytes(connection);
      });
      onConnection(connection);
    });
  }

  async open(spec: Partial<ListenerSpec> = {}): Promise<this> {
    this.#backend.listen({ port: 0, host: '127.0.0.1' });
    await once(this.#backend, 'listening');
    const { port } = this.#backend.address() as AddressInfo;
    let roster = emptyRoster('test');
    const publish = (subject: string, event: MembershipEventInput) => {
      const recorded = { revision: roster.revision + 1, timeMs: 0, id: '', origin: null };
      roster = fold(roster, { ...recorded, subject: `muster.test.${subject}`, payload: JSON.stringify(event) }).roster;
    };
    publish('pool.p', { type: 'PoolDefined', ejection: false, responseHeaderTimeoutMs: 2_000 });
    publish('backend.p.one', { type: 'BackendRegistered', target: `127.0.0.1:${port}` });
    this.#plane.update({ roster, node: 'n', pending: new Map() });
    const bound = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    if (!bound.ok) throw new Error(bound.code);
    const listener = listenerSpecSchema.parse({ bind: '127.0.0.1:0', protocol: 'http', pool: 'p', ...spec });
    const opened = await this.#plane.openListener('web', listener, bound.socket.handle);
    if (!opened.ok) throw new Error(opened.reason);
    this.port = bound.socket.boundPort!;
    return this;
  }

  /** What the backend was sent on all its connections. */
  get received(): string {
    return this.connections.map(({ received }) => received).join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#plane[Symbol.asyncDispose]();
    for (const { socket } of this.connections) socket.destroy();
    this.#backend.close();
    await once(this.#backend, 'close');
  }
}

/** A client that keeps all it hears. Its side stays open until it is told to close. */
export class RawClient {
  readonly socket: Socket;
  text = '';
  /** The connection is over: ended by the other side, or reset. */
  isOver = false;
  wasReset = false;
  readonly #waiting: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const over = () => {
      this.isOver = true;
      this.#wake();
    };
    this.socket.on('data', (bytes) => {
      this.text += bytes.toString('latin1');
      this.#wake();
    });
    this.socket.on('end', over).on('close', over);
    this.socket.on('error', () => {
      this.wasReset = true;
      over();
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Waits until `isEnough`, or until the connection is over. */
  async until(isEnough: (text: string) => boolean): Promise<string> {
    while (!this.isOver && !isEnough(this.text)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.text;
  }

  /** All of it, up to the end of the connection. */
  async all(): Promise<string> {
    await this.until(() => false);
    this.socket.destroy();
    return this.text;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
