/**
 * The journal on a NATS JetStream stream: the log that many nodes share.
 */
import type { Journal } from '@muster/journal';
import type { NatsLink } from '@muster/nats';

export interface JetStreamJournalOptions {
  /** Stays the caller's: it is not closed with the journal. */
  readonly link: NatsLink;
  /** Second token of the subjects; the stream is `muster-<cluster>`, the bucket of its snapshots `muster-<cluster>-snapshots`. */
  readonly cluster: string;
  /** Default 1. */
  readonly replicas?: number;
  /** Default null: as the server limits it. A full stream refuses appends; it never drops what it has. */
  readonly streamBytesMax?: number | null;
  /** Default null: for ever. */
  readonly retentionHours?: number | null;
  /** Default 120,000. */
  readonly duplicateWindowMs?: number;
}

export type OpenJetStreamJournal = (options: JetStreamJournalOptions) => Promise<Journal>;
