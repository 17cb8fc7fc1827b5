/**
 * One connection to NATS for the life of a process: it is made when NATS is there, and made again for ever when it was lost.
 */
import type { NatsConnection } from '@nats-io/transport-node';

export interface NatsLink {
  /** The connection while it stands, else null. Publishing on one that was cut is neither failed early nor sent later. */
  readonly connection: NatsConnection | null;
  /** For people, without secrets: why it does not stand; null while it does. */
  readonly awayReason: string | null;
  /** Resolves at once while it stands, else when it does again; rejects when the link is closed or the signal says so. */
  connected(signal?: AbortSignal): Promise<NatsConnection>;
  /** Told at once what is the case, and at every change. Returns what ends it. */
  watch(onChange: (isConnected: boolean) => void): () => void;
  /** Flushes what was sent, for at most a second, and closes. Idempotent. */
  close(): Promise<void>;
}
