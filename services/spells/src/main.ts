/**
 * The executable: `node main.ts --port 8001 --host 127.0.0.1 --name spells-1`.
 *
 * Prints one line when it listens. SIGTERM and SIGINT end it at once; a request in flight is answered first, since the
 * answers take no time.
 */

import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createSpellsServer } from './server.ts';

const USAGE = 'usage: main.ts [--port 8001] [--host 127.0.0.1] [--name spells-<port>]';

interface Arguments {
  readonly host: string;
  readonly port: number;
  readonly name: string;
}

function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '8001' },
        host: { type: 'string', default: '127.0.0.1' },
        name: { type: 'string' },
      },
    });
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port > 65_535) fail(`--port must be 0–65535, not ${values.port}\n${USAGE}`);
    const name = values.name ?? `spells-${port}`;
    if (!/^[\x21-\x7e]{1,64}$/.test(name)) fail('--name must be 1–64 printable characters without spaces');
    return { host: values.host, port, name };
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

function fail(message: string): never {
  console.error(`spells: ${message}`);
  process.exit(1);
}

function listenFailure(error: NodeJS.ErrnoException, { host, port }: Arguments): string {
  if (error.code === 'EADDRINUSE') return `${host}:${port} is taken; choose another with --port`;
  if (error.code === 'EACCES') return `${host}:${port} may not be bound by this user; choose a port above 1023`;
  return `cannot listen on ${host}:${port}: ${error.message}`;
}

const args = readArguments();
const server = createSpellsServer({ name: args.name });
server.once('error', (error) => fail(listenFailure(error, args)));
server.listen({ host: args.host, port: args.port }, () => {
  const { address, port, family } = server.address() as AddressInfo;
  console.log(`${args.name} listens on http://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
});

/** How long a request in flight may hold the process once it was told to end. */
const CLOSE_TIMEOUT_MS = 1000;

function close(): void {
  if (process.connected) process.disconnect?.();
  server.close();
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS).unref();
}

process.once('SIGTERM', close);
process.once('SIGINT', close);
// Started over IPC (the demo does so), it ends with its parent, even one that had no time to say so.
process.once('disconnect', close);
