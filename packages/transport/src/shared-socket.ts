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
 */
import type { Address } from '@muster/membership';
import { lookup } from 'node:dns/promises';
import net, { isIPv6 } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { SocketHandle } from './leg.ts';

export interface SharedSocket {
  readonly handle: SocketHandle;
  /** The port the kernel gave for port 0; null for a Unix socket. */
  readonly boundPort: number | null;
  /** Gives the socket up in this process; a Unix socket's path is removed. Workers that have it go on. */
  close(): void;
}

export type BindOutcome =
  | { readonly ok: true; readonly socket: SharedSocket }
  /** `code` is the system's: EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND. */
  | { readonly ok: false; readonly code: string };

/** A host name is resolved once, here. */
export async function bindSharedSocket(address: Address): Promise<BindOutcome> {
  if (address.kind === 'unix') return bound(createHandle(address.path, -1, -1));
  try {
    const { address: host } = await lookup(address.host);
    return bound(createHandle(host, address.port, isIPv6(host) ? 6 : 4));
  } catch (error) {
    return { ok: false, code: (error as NodeJS.ErrnoException).code ?? 'ENOTFOUND' };
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

function createHandle(host: string, port: number, family: 4 | 6 | -1): BoundHandle | number {
  return createServerHandle(host, port, family, undefined, 0);
}

function bound(handle: BoundHandle | number): BindOutcome {
  if (typeof handle === 'number') return { ok: false, code: getSystemErrorName(handle) };
  const name: { port?: number } = {};
  // The kernel's refusal of a taken address is kept by the event loop until the socket is next asked for something.
  const status = handle.getsockname?.(name) ?? 0;
  if (status !== 0) {
    handle.close();
    return { ok: false, code: getSystemErrorName(status) };
  }
  return { ok: true, socket: { handle, boundPort: name.port ?? null, close: () => handle.close() } };
}
