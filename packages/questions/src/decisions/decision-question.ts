/**
 * What the control process and its workers say to each other about decisions: questions and answers, and what is recorded while
 * somebody wants it. It runs beside the messages of the node's actors, which have no part in it.
 */
import type { DecisionQuery } from '@muster/proxy';
import type { Decision } from '@muster/selection';
import type { OwnAddress } from '@muster/transport';

export interface DecisionQuestion {
  readonly kind: 'find-decisions';
  /** Comes back with the answer. */
  readonly id: number;
  readonly query: DecisionQuery;
}

export interface DecisionAnswer {
  readonly kind: 'decisions-found';
  readonly id: number;
  readonly decisions: readonly Decision[];
}

/** An order: hand over every decision from now on for so long; 0: no more. */
interface RecordDecisions {
  readonly kind: 'record-decisions';
  readonly forMs: number;
}

/** What was decided since the last batch. */
export interface RecordedDecisions {
  readonly kind: 'decisions-recorded';
  readonly decisions: readonly Decision[];
  /** Further ones, that there was no room for. */
  readonly droppedCount: number;
}

export type DecisionOrder = DecisionQuestion | RecordDecisions;
export type DecisionReport = DecisionAnswer | RecordedDecisions;

/** What the node has bound itself, all of it, at each change. */
interface OwnAddressesTold {
  readonly kind: 'own-addresses';
  readonly addresses: readonly OwnAddress[];
}

/** Whatever the control process tells a worker beside the messages of the node's actors. */
export type WorkerOrder = DecisionOrder | OwnAddressesTold;
