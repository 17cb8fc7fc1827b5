/**
 * Opens a listener's socket in the control process, and says for people why one could not be opened.
 */
import { formatAddress, parseBind } from '@muster/membership';
import type { OpenSocket, SharedSocket } from '@muster/actors';
import { bindSharedSocket, type SocketHandle } from '@muster/transport';

/** What the actors pass around as a `SharedSocket`; only the worker's side looks at the handle. */
export interface BoundSocket extends SharedSocket {
  readonly handle: SocketHandle;
}

export const openListeningSocket: OpenSocket = async (bind) => {
  const address = parseBind(bind);
  if (address === null) return { outcome: 'failed', reason: `"${bind}" is not an address` };
  const bound = await bindSharedSocket(address);
  if (!bound.ok) return { outcome: 'failed', reason: explainBindFailure(bind, bound.code) };
  const { handle, boundPort } = bound.socket;
  const boundAddress = address.kind === 'tcp' ? formatAddress({ ...address, port: boundPort ?? address.port }) : bind;
  const socket: BoundSocket = { boundAddress, handle, close: () => bound.socket.close() };
  return { outcome: 'open', socket };
};

/** For example: `127.0.0.1:8080 is taken by another program; stop that one, or choose another address`. */
function explainBindFailure(bind: string, code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `${bind} is taken by another program; stop that one, or choose another address`;
    case 'EACCES':
      return `${bind} may not be bound by this user; choose a port above 1023, or grant the right`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${bind} is not an address of this machine; choose one that is`;
    default:
      return `${bind} cannot be bound: ${code}`;
  }
}
