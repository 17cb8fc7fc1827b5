/** How a connection ends, for people. */
import {
  AuthorizationError,
  PermissionViolationError,
  UserAuthenticationExpiredError,
  type NatsConnection,
} from '@nats-io/transport-node';

/**
 * Resolves when the connection is lost, as a clause: `closed the connection`. What the server refuses on a connection that stands
 * is told to `onRefusal`. Never rejects.
 */
export async function connectionEnd(connection: NatsConnection, onRefusal: (what: string) => void): Promise<string> {
  let reason = 'closed the connection';
  for await (const status of connection.status()) {
    switch (status.type) {
      case 'staleConnection':
        // The client library would first try to write what is left, which a peer that is cut off never takes.
        return 'does not answer any more';
      case 'disconnect':
        return reason;
      case 'error':
        if (status.error instanceof PermissionViolationError) onRefusal(`refuses this: ${status.error.message}`);
        else reason = clause(status.error);
        break;
      default:
    }
  }
  return reason;
}

function clause(error: Error): string {
  const isUser = error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
  return `${isUser ? 'refused this user' : 'closed the connection'}: ${error.message}`;
}
