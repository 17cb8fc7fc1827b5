/**
 * The port of everything in this package: where the past is read from. A node's journal with its own observations beside it, or
 * an incident file, which needs neither node nor cluster.
 *
 * It is the reading half of a journal, and what one node saw. Nothing here can write.
 */
import type { Journal } from '@muster/journal';
import type { ObservationSource } from '@muster/observations';

export interface ReplaySource extends Pick<Journal, 'head' | 'read' | 'loadSnapshot'>, ObservationSource {
  /** For messages: `the journal of node lb-1`, `incident.muster`. */
  readonly name: string;
  readonly cluster: string;
  /** Whose observations these are, and whose eyes a state is seen with where no other node is asked for. */
  readonly node: string;
}
