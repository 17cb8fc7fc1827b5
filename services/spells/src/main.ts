/**
 * The executable: `node main.ts --port 8001 --host 127.0.0.1 --name spells-1`.
 *
 * Prints one line when it listens. SIGTERM and SIGINT end it; a request in flight is answered first, since the answers take no
 * time. With `--join nats://127.0.0.1:4222` it is a member of a pool while it runs: it registers once it listens, and when it is
 * to end it drains, goes on answering for a moment, and leaves first. A second signal ends it without.
 */

import type { AddressInfo } from 'node:net';
import { readArguments, USAGE, type Arguments } from './arguments.ts';
import type { PoolMembership } from './join-pool.ts';
import { createSpellsServer } from './server.ts';

function fail(message: string): never {
  console.error(`spells: ${message}`);
  process.exit(1);
}

function checkedArguments(): Arguments {
  try {
    return readArguments(process.argv.slice(2));
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

function listenFailure(error: NodeJS.ErrnoException, { host, port }: Arguments): string {
  if (error.code === 'EADDRINUSE') return `${host}:${port} is taken; choose another with --port`;
  if (error.code === 'EACCES') return `${host}:${port} may not be bound by this user; choose a port above 1023`;
  return `cannot listen on ${host}:${port}: ${error.message}`;
}

const args = checkedArguments();
const server = createSpellsServer({ name: args.name });
let membership: PoolMembership | null = null;
let isEnding = false;
server.once('error', (error) => fail(listenFailure(error, args)));
server.listen({ host: args.host, port: args.port }, () => {
  const { address, port, family } = server.address() as AddressInfo;
  const target = `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  console.log(`${args.name} listens on http://${target}`);
  if (args.membership !== null) {
    joinPool(args.membership, target).catch((error: unknown) =>
      fail(error instanceof Error ? error.message : String(error)),
    );
  }
});

/** What it takes is loaded only by those who join: the others start sooner. */
async function joinPool(wanted: NonNullable<Arguments['membership']>, listening: string): Promise<void> {
  const { joinPool } = await import('./join-pool.ts');
  if (!isEnding) membership = joinPool(wanted, wanted.target ?? listening, fail);
}

/** How long a request in flight may hold the process once it was told to end. */
const CLOSE_TIMEOUT_MS = 1000;

function close(): void {
  if (process.connected) process.disconnect?.();
  server.close();
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS).unref();
}

function end(reason: string): void {
  if (isEnding) return;
  isEnding = true;
  if (membership === null) close();
  else membership.leave(reason).then(close, (error: unknown) => fail(String(error)));
}

process.once('SIGTERM', end);
process.once('SIGINT', end);
// Started over IPC (the demo does so), it ends with its parent, even one that had no time to say so.
process.once('disconnect', () => end('its parent is gone'));
