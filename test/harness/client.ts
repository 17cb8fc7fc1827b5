/**
 * Clients for tests: raw TCP connections whose every byte and end is remembered.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from './processes/process.ts';

export interface TestClient extends AsyncDisposable {
  readonly socket: Socket;
  /** Everything received so far. */
  received(): string;
  /** True once the other side has ended or reset it. */
  isClosed(): boolean;
  /** performance.now() of the end, null while open. */
  closedMs(): number | null;
  /** Sends a line and waits until it comes back. */
  echo(line: string): Promise<void>;
  /** The first line received: an echo backend's name. Rejects when the connection closes before. */
  greeting(): Promise<string>;
  closed(): Promise<void>;
}

export async function openClient(address: { host: string; port: number }): Promise<TestClient> {
  const socket = connect({ ...address, noDelay: true });
  await once(socket, 'connect');
  let received = '';
  let closedMs: number | null = null;
  const noteEnd = () => (closedMs ??= performance.now());
  socket.setEncoding('utf8').on('data', (text: string) => (received += text));
  socket.on('end', noteEnd).on('close', noteEnd).on('error', noteEnd);
  return {
    socket,
    received: () => received,
    isClosed: () => closedMs !== null,
    closedMs: () => closedMs,
    echo: async (line) => {
      const before = received.length;
      socket.write(`${line}\n`);
      const outcome = await eventually(`the echo of "${line}"`, () => {
        if (received.length >= before + line.length + 1) return 'echoed';
        return closedMs === null ? null : 'closed';
      });
      if (outcome === 'closed') throw new Error(`the connection was closed before it echoed "${line}"`);
    },
    greeting: () =>
      eventually('a greeting', () => {
        if (received.includes('\n')) return received.slice(0, received.indexOf('\n'));
        if (closedMs !== null) return 'closed';
        return null;
      }),
    closed: async () => {
      await eventually('the connection is closed', () => closedMs !== null);
    },
    [Symbol.asyncDispose]: async () => {
      if (socket.destroyed) return;
      socket.destroy();
      await once(socket, 'close');
    },
  };
}

/** Waits until nobody listens there any more. */
export async function refuses(address: { host: string; port: number }): Promise<void> {
  await eventually('the listener refuses', () =>
    nameBehind(address).then(
      () => false,
      () => true,
    ),
  );
}

/** Opens a connection, reads the backend's name, closes it. `closed` when there was none. */
export async function nameBehind(address: { host: string; port: number }): Promise<string> {
  await using client = await openClient(address);
  return await client.greeting();
}
