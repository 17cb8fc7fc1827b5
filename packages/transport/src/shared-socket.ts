/**
 * The control process's side of a listening socket: bound here, listened on in the workers, kept open here.
 *
 *     control process                      worker
 *     bindSharedSocket(address)
 *     child.send(message, socket.handle) ──► process.on('message', (message, handle) => proxy.openListener(…, handle))
 *
 * The handle can be sent to any number of workers, at any time. While this process holds it the kernel keeps the queue:
 * a connection that arrives when all workers are dead waits there for the next one. It does not listen itself, so
 * an address that another program listens on may be noticed here or only when a worker listens.
 *
 * A Unix socket's file outlives a process that was killed. Where nobody listens on it any more it is taken over (`stale-path.ts`).
 */
import type { Address } from '@muster/membership';
import { lookup } from 'node:dns/promises';
import net, { isIPv6 } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { SocketHandle } from './leg.ts';
import { removeStalePath } from './stale-path.ts';

export interface BoundSocket {
  readonly handle: SocketHandle;
  /** Where it is bound: the address that a name stood for, and the port that the kernel gave for port 0. */
  readonly address: Address;
  /** The port of `address`; null for a Unix socket. */
  readonly boundPort: number | null;
  /** Gives the socket up in this process; a Unix socket's path is removed. Workers that have it go on. */
  close(): void;
}

export type BindOutcome =
  | { readonly ok: true; readonly socket: BoundSocket }
  /**
   * `code` is the system's: EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND; ENOTSOCK for a path that is a file of another kind.
   * `address` is what was tried, the name itself where it did not resolve.
   */
  | { readonly ok: false; readonly code: string; readonly address: Address };

/**
 * A host name is resolved once, here. A Unix path is taken over from a socket on which nobody listens, which one that was bound here
 * and is not listened on yet looks like: whoever calls knows its own.
 */
export async function bindSharedSocket(wanted: Address): Promise<BindOutcome> {
  if (wanted.kind === 'unix') return bindPath(wanted);
  try {
    const { address: host } = await lookup(wanted.host);
    return bound({ ...wanted, host });
  } catch (error) {
    return { ok: false, code: (error as NodeJS.ErrnoException).code ?? 'ENOTFOUND', address: wanted };
  }
}

async function bindPath(address: Extract<Address, { kind: 'unix' }>): Promise<BindOutcome> {
  const outcome = bound(address);
  if (outcome.ok || outcome.code !== 'EADDRINUSE') return outcome;
  switch (await removeStalePath(address.path)) {
    case 'removed':
      return bound(address);
    case 'no-socket':
      return { ok: false, code: 'ENOTSOCK', address };
    case 'in-use':
      return outcome;
  }
}

interface BoundHandle {
  getsockname?(into: { port?: number }): number;
  close(): void;
}

type CreateServerHandle = (
  ...arguments_: [string, number, family: 4 | 6 | -1, fd: undefined, flags: 0]
) => BoundHandle | number;

/** What Node's `cluster` module uses for the same purpose; public API has no bound socket that can be sent twice. */
const { _createServerHandle: createServerHandle } = net as unknown as { _createServerHandle: CreateServerHandle };

function createHandle(address: Address): BoundHandle | number {
  if (address.kind === 'unix') return createServerHandle(address.path, -1, -1, undefined, 0);
  return createServerHandle(address.host, address.port, isIPv6(address.host) ? 6 : 4, undefined, 0);
}

function bound(address: Address): BindOutcome {
  const handle = createHandle(address);
  if (typeof handle === 'number') return { ok: false, code: getSystemErrorName(handle), address };
  const name: { port?: number } = {};
  // The kernel's refusal of a taken address is kept by the event loop until the socket is next asked for something.
  const status = handle.getsockname?.(name) ?? 0;
  if (status !== 0) {
    handle.close();
    return { ok: false, code: getSystemErrorName(status), address };
  }
  const boundPort = name.port ?? null;
  const boundAt = address.kind === 'tcp' ? { ...address, port: boundPort ?? address.port } : address;
  return { ok: true, socket: { handle, address: boundAt, boundPort, close: () => handle.close() } };
}
