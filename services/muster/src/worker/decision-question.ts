/**
 * What the control process asks its workers, and what they answer: the one conversation between them that is no order and no
 * report. It runs beside the messages of the node's actors, which have no part in it.
 */
import type { DecisionQuery } from '@muster/proxy';
import type { Decision } from '@muster/selection';

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
