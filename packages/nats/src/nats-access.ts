/**
 * How a process of ours reaches NATS, and as whom: the one description that nodes, publishers and tools share.
 *
 * Secrets come in here as text or files and leave only towards the server: `describeServers` is what logs and errors may say.
 */

export interface NatsAccess {
  /** `nats://HOST:PORT` or `tls://HOST:PORT`, one or more; a user and password may stand in them. */
  readonly servers: readonly string[];
  /** Shown in the server's list of connections, for example `muster:lb-1`. */
  readonly name: string;
  /** A `.creds` file: a JWT and its nkey seed. */
  readonly credentialsFile?: string;
  /** A file that holds an nkey seed. */
  readonly nkeySeedFile?: string;
  readonly tls?: {
    /** PEM files. Without `caFile`, the system's authorities count. */
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
  };
  /**
   * Prefix of the inboxes that answers come to, without a trailing dot; a permission can then be narrowed to it. Default `_INBOX`.
   */
  readonly inboxPrefix?: string;
}
