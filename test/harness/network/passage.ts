/**
 * A way between the loopback of this network and that of another one which does not use the cable between them: unix
 * sockets belong to the file system, and so are the same in both. Through it a test speaks to a node in a network of its own,
 * and the node to backends in the test, while the cable is out.
 *
 *     127.0.0.1:PORT ── forwarder ══ unix socket: two bytes with the port, then the bytes ══ far end ── 127.0.0.1:PORT
 *
 * Each side has one far end for all ports, and a forwarder for each port that it leads to the other side.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from './namespace.ts';
import { testFolder, type NodePlace } from '../node.ts';
import { eventually, startProcess } from '../processes/process.ts';

const PASSAGE_PROCESS = fileURLToPath(new URL('passage-process.ts', import.meta.url));
const LOOPBACK = '127.0.0.1';
const PORT_BYTES = 2;

/** A place in a namespace for a node; the ports of `backendPorts` are there what they are here. */
export async function startPlace(
  namespace: Namespace,
  { backendPorts }: { readonly backendPorts: readonly number[] },
): Promise<NodePlace & AsyncDisposable> {
  await using disposer = new AsyncDisposableStack();
  const folder = disposer.use(await testFolder());
  const [inside, outside] = [join(folder.path, 'inside'), join(folder.path, 'outside')];
  disposer.use(await startFarEnd(outside));
  const args = [inside, outside, ...backendPorts.map(String)];
  const process = disposer.use(startProcess(PASSAGE_PROCESS, args, { prefix: namespace.prefix }));
  await eventually('the passage is open', () => process.output().includes('open'));
  const forwarders = disposer.adopt(new Set<Forwarder>(), async (all) => {
    await Promise.all([...all].map((forwarder) => forwarder[Symbol.asyncDispose]()));
  });
  const ownDisposer = disposer.move();
  return {
    prefix: namespace.prefix,
    reach: async (port) => {
      const forwarder = await startForwarder(0, { path: inside, port });
      forwarders.add(forwarder);
      return forwarder.port;
    },
    [Symbol.asyncDispose]: () => ownDisposer.disposeAsync(),
  };
}

/** Takes what comes through a unix socket to the ports of this network's loopback that it asks for. */
export async function startFarEnd(path: string): Promise<AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const begin = () => {
      const head = near.read(PORT_BYTES) as Buffer | null;
      if (head === null) return void near.once('readable', begin);
      joinBoth(near, connect({ host: LOOPBACK, port: head.readUInt16BE(), noDelay: true, allowHalfOpen: true }));
    };
    near.once('readable', begin).on('error', () => near.destroy());
  });
  return listening(server.listen(path));
}

interface Forwarder extends AsyncDisposable {
  readonly port: number;
}

/** Leads a port of this network's loopback (0: one of the kernel's choice) to a port of the other's. */
export async function startForwarder(port: number, to: { path: string; port: number }): Promise<Forwarder> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ path: to.path, allowHalfOpen: true });
    const head = Buffer.alloc(PORT_BYTES);
    head.writeUInt16BE(to.port);
    far.write(head);
    joinBoth(near, far);
  });
  const closing = await listening(server.listen(port, LOOPBACK));
  return { port: (server.address() as AddressInfo).port, ...closing };
}

async function listening(server: Server): Promise<AsyncDisposable> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Bytes and ends pass in both directions; a connection that fails takes the other with it, as a reset where it can. */
function joinBoth(one: Socket, other: Socket): void {
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    socket.pipe(peer);
    socket.on('error', () => peer.destroy());
    socket.on('close', () => peer.destroySoon());
  }
}
