/**
 * How a benchmark sees that a node sends traffic elsewhere, without asking it again and again: it holds one connection open
 * through the node's listener. When the backend's target changes, the node closes that connection, since its target is gone;
 * the benchmark opens the next one at once and reads who answers.
 *
 *     event ──► node ──► worker folds, swaps its set, closes ──► closed here ──► connect ──► answered by the new target
 *
 * The first answer of the new target is an upper bound of when traffic had moved: it includes the close's way here, a
 * connection and a dial, and this process's own turn of the event loop. A connection that reaches the old target after
 * that voids the run.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface NamedTarget extends AsyncDisposable {
  /** What it says to whoever connects. */
  readonly name: string;
  /** `127.0.0.1:PORT`. */
  readonly target: string;
}

/** A server that says its name and then keeps the connection open. */
export async function startNamedTarget(name: string): Promise<NamedTarget> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket
      .on('error', () => undefined)
      .on('close', () => sockets.delete(socket))
      .write(name);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    name,
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Moved {
  /** When the held connection was closed, by `performance.now()`. */
  readonly closedMs: number;
  /** When the new target had answered the next one. */
  readonly answeredMs: number;
}

export class HeldConnection implements Disposable {
  readonly #address: Address;
  #socket: Socket;

  private constructor(address: Address, socket: Socket) {
    this.#address = address;
    this.#socket = socket;
  }

  /** Resolves when the target of this name has answered. */
  static async open(address: Address, name: string): Promise<HeldConnection> {
    return new HeldConnection(address, await answeredBy(address, name));
  }

  /** Resolves when the node has closed the connection and another one was answered by `name`. Rejects where it was another's. */
  async moved(name: string): Promise<Moved> {
    await closed(this.#socket);
    const closedMs = performance.now();
    this.#socket = await answeredBy(this.#address, name);
    return { closedMs, answeredMs: performance.now() };
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

interface Address {
  readonly host: string;
  readonly port: number;
}

async function answeredBy(address: Address, name: string): Promise<Socket> {
  const socket = connect({ ...address, noDelay: true });
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.on('error', () => undefined).resume();
  if (answer.toString() === name) return socket;
  socket.destroy();
  throw new Error(`A connection reached "${answer.toString()}" and should have reached "${name}"`);
}

/** A reset closes it as well as an end does. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}
