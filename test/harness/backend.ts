/**
 * Backends for tests: small TCP servers in this process, each with one habit, and real spells processes.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { eventually, startProcess, type TestProcess } from './processes/process.ts';
import { freePort } from './node.ts';

export interface TestBackend extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:PORT`. */
  readonly target: string;
  /** The connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** How many it has accepted. */
  acceptedCount(): number;
}

/**
 * `serve` is called with each connection; nothing is answered but by it. Default port: a free one that no outgoing connection is
 * given while this backend is down.
 */
export async function startBackend(serve: (socket: Socket) => void, port?: number): Promise<TestBackend> {
  const sockets = new Set<Socket>();
  let acceptedCount = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    acceptedCount++;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(port ?? (await freePort()), '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    target: `127.0.0.1:${bound}`,
    sockets,
    acceptedCount: () => acceptedCount,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Says its name as soon as it is connected to, then echoes. */
export function startNamedEcho(name: string, port?: number): Promise<TestBackend> {
  return startBackend((socket) => {
    socket.write(`${name}\n`);
    socket.pipe(socket);
  }, port);
}

/** An address that nobody listens on. */
export async function refusingTarget(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

export interface SpellsBackend extends AsyncDisposable {
  readonly process: TestProcess;
  readonly port: number;
  readonly target: string;
}

const SPELLS_MAIN = fileURLToPath(import.meta.resolve('@muster/spells/main'));

/** A real spells process. Give a port to start one again where another was. */
export async function startSpells(name: string, port?: number): Promise<SpellsBackend> {
  const chosen = port ?? (await freePort());
  const started = startProcess(SPELLS_MAIN, ['--name', name, '--port', `${chosen}`]);
  await eventually(`${name} listens`, () => started.output().includes('listens'));
  return {
    process: started,
    port: chosen,
    target: `127.0.0.1:${chosen}`,
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
