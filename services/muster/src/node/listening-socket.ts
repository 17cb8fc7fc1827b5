/**
 * Opens a listener's socket in the control process, and says for people why one could not be opened.
 */
import { formatAddress, parseBind, type Address } from '@muster/membership';
import type { OpenSocket } from '@muster/actors';
import { bindSharedSocket } from '@muster/transport';

export const openListeningSocket: OpenSocket = async (bind) => {
  const wanted = parseBind(bind);
  if (wanted === null) return { outcome: 'failed', reason: `"${bind}" is not an address`, taken: null };
  const bound = await bindSharedSocket(wanted);
  if (!bound.ok) {
    const taken = bound.code === 'EADDRINUSE' ? bound.address : null;
    return { outcome: 'failed', reason: explainBindFailure(bind, bound.code), taken };
  }
  const { handle, address } = bound.socket;
  const boundAddress = formatAddress(asWritten(wanted, address));
  return { outcome: 'open', socket: { boundAddress, address, handle, close: () => bound.socket.close() } };
};

/** With the name that was asked for, and the port that was given. */
function asWritten(wanted: Address, bound: Address): Address {
  return wanted.kind === 'tcp' && bound.kind === 'tcp' ? { ...wanted, port: bound.port } : wanted;
}

/** For example: `127.0.0.1:8080 is taken by another program; stop that one, or choose another address`. */
function explainBindFailure(bind: string, code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `${bind} is taken by another program; stop that one, or choose another address`;
    case 'EACCES':
      return bind.startsWith('unix:')
        ? `${bind} may not be bound by this user; choose a folder that it may write to, or grant the right`
        : `${bind} may not be bound by this user; choose a port above 1023, or grant the right`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${bind} is not an address of this machine; choose one that is`;
    case 'ENOENT':
    case 'ENOTDIR':
      return `${bind} is in a folder that does not exist; make it, or choose another path`;
    case 'ENOTSOCK':
      return `${bind} is a file that is no socket; remove it, or choose another path`;
    default:
      return `${bind} cannot be bound: ${code}`;
  }
}
