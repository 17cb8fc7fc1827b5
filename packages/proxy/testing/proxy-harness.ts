/**
 * What the tests of the data plane share: a proxy on port 0 whose roster is made of real events, and backends that
 * say their name. Everything is `await using`, and nothing outlives its test.
 */
import {
  emptyRoster,
  fold,
  listenerSpecSchema,
  type ListenerSpec,
  type MembershipEventInput,
  type PendingFacts,
  type Roster,
  type View,
} from '@muster/membership';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { bindSharedSocket } from '@muster/transport';
import { DataPlane, type DataPlaneOptions } from '../src/data-plane.ts';

type Published = Extract<MembershipEventInput, { type: string }>;

export class ProxyHarness implements AsyncDisposable {
  readonly proxy: DataPlane;
  roster: Roster = emptyRoster('test');
  readonly pending: PendingFacts = new Map();
  /** The journal's clock, ms since 1970. */
  journalMs = Date.now;
  readonly #resources: AsyncDisposable[] = [];

  constructor(options: DataPlaneOptions = {}) {
    this.proxy = new DataPlane(options);
  }

  /** Folds one event and hands the proxy the new view. */
  publish(subject: string, event: Published): void {
    const recorded = { revision: this.roster.revision + 1, timeMs: this.journalMs(), id: '', origin: null };
    const folded = fold(this.roster, {
      ...recorded,
      subject: `muster.test.${subject}`,
      payload: JSON.stringify(event),
    });
    if (folded.rejection !== null) throw new Error(folded.rejection.message);
    this.roster = folded.roster;
    this.proxy.update(this.view);
  }

  get view(): View {
    return { roster: this.roster, node: 'n', pending: this.pending };
  }

  pool(spec: Partial<Published & { type: 'PoolDefined' }> = {}): void {
    this.publish('pool.p', { ...spec, type: 'PoolDefined' });
  }

  register(id: string, target: string, weight = 1): void {
    this.publish(`backend.p.${id}`, { type: 'BackendRegistered', target, weight });
  }

  deregister(id: string): void {
    this.publish(`backend.p.${id}`, { type: 'BackendDeregistered' });
  }

  setMode(id: string, mode: 'ready' | 'drain' | 'maint'): void {
    this.publish(`backend.p.${id}`, { type: 'BackendModeSet', mode });
  }

  /** A listener on a free port of 127.0.0.1, which leads to the pool p unless it says otherwise; returns the port. */
  async listen({ id = 'web', ...spec }: Partial<ListenerSpec> & { readonly id?: string } = {}): Promise<number> {
    const outcome = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    if (!outcome.ok) throw new Error(outcome.code);
    const { handle, boundPort } = outcome.socket;
    const pool = spec.routes === undefined ? { pool: 'p' } : {};
    // A test that is done with its clients destroys them, which looks like a half-close.
    const halfClose = spec.protocol === 'http' ? { halfCloseTimeoutMs: 1_000 } : {};
    const opened = await this.proxy.openListener(
      id,
      listenerSpecSchema.parse({ bind: '127.0.0.1:0', ...pool, ...halfClose, ...spec }),
      handle,
    );
    if (!opened.ok) throw new Error(opened.reason);
    return boundPort!;
  }

  /** A TCP server on a free port, or on a Unix socket's path; closed with the harness, connections included. */
  async backend(onConnection: (socket: Socket) => void, path?: string): Promise<Backend> {
    const backend = new Backend(onConnection);
    this.#resources.push(backend);
    await backend.listen(path);
    return backend;
  }

  /** A backend that says its name and then repeats what it hears. */
  named(name: string): Promise<Backend> {
    return this.backend((socket) => {
      socket.write(name);
      socket.pipe(socket);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    for (const resource of this.#resources) await resource[Symbol.asyncDispose]();
  }
}

class Backend implements AsyncDisposable {
  readonly sockets = new Set<Socket>();
  readonly #server: Server;
  target = '';

  constructor(onConnection: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => this.sockets.delete(socket));
      onConnection(socket);
    });
  }

  async listen(path?: string): Promise<void> {
    this.#server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
    await once(this.#server, 'listening');
    const address = this.#server.address() as AddressInfo | string;
    this.target = typeof address === 'string' ? `unix:${address}` : `127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** All that a stream sends until its end. Unlike a loop over the stream it leaves the writing side open. */
export async function collect(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A client that keeps what it reads. */
export class Client {
  readonly socket: Socket;
  text = '';
  hasEnded = false;
  readonly closed: Promise<void>;
  #onChange: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('data', (bytes) => {
      this.text += bytes.toString('latin1');
      this.#onChange();
    });
    this.socket.on('end', () => {
      this.hasEnded = true;
      this.#onChange();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#onChange();
        resolve();
      });
    });
  }

  /** The first `length` characters, or what there was when the peer ended. */
  async read(length: number): Promise<string> {
    while (this.text.length < length && !this.hasEnded && !this.socket.destroyed) await this.#change();
    const read = this.text.slice(0, length);
    this.text = this.text.slice(length);
    return read;
  }

  /** Everything until the peer ends or the connection is reset. */
  async readAll(): Promise<string> {
    while (!this.hasEnded && !this.socket.destroyed) await this.#change();
    return this.text;
  }

  /** As `readAll`, then closes. */
  async finish(): Promise<string> {
    const text = await this.readAll();
    this.socket.destroy();
    await this.closed;
    return text;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#onChange = resolve));
  }
}
