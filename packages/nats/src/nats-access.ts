/**
 * How a process of ours reaches NATS, and as whom: the one description that nodes, publishers and tools share.
 *
 * Secrets come in here as text or files and leave only towards the server: `describeServers` is what logs and errors may say.
 */
import { MusterError } from '@muster/membership';
import { parseServerUrl } from './server-url.ts';

export interface NatsAccess {
  /** `nats://HOST:PORT` or `tls://HOST:PORT`, one or more; a user and password, or a token, may stand in them. */
  readonly servers: readonly string[];
  /** Shown in the server's list of connections, for example `muster:lb-1`. */
  readonly name: string;
  /** A `.creds` file: a JWT and its nkey seed. */
  readonly credentialsFile?: string;
  /** A file that holds an nkey seed. */
  readonly nkeySeedFile?: string;
  /** With it, and with `tls://`, the connection is encrypted or is not made. */
  readonly tls?: {
    /** PEM files. Without `caFile`, the system's authorities count. */
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
  };
  /**
   * Prefix of the inboxes that answers come to, beginning with `_` and without a trailing dot; a permission can then be narrowed to
   * it. Default `_INBOX`.
   */
  readonly inboxPrefix?: string;
}

/** Something in the access cannot be used. The message says which server or file and what to do, and holds no secret. */
export class NatsAccessError extends MusterError<'bad-nats-access'> {
  constructor(message: string) {
    super({ code: 'bad-nats-access', message, source: 'internal', isRetryable: false });
  }
}

/** For people, without users and passwords: `nats://127.0.0.1:4222, nats://127.0.0.1:4223`. */
export function describeServers({ servers }: Pick<NatsAccess, 'servers'>): string {
  return servers.map((url) => parseServerUrl(url)?.label ?? '(not a NATS URL)').join(', ');
}
