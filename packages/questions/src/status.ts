/** The node's status as the admin API shows it: what the node says, with the traffic summed over its workers. */
import type { NodeStatus, WorkerStatus } from '@muster/actors';
import type { ObservationStoreStatus } from '@muster/observations';
import type { ProxyStats } from '@muster/proxy';
import type { FailingNameView } from './failing-names.ts';

/** Traffic of the node's whole life by listener and by pool, in the workers' own words. Objects without a prototype: any name may be a key. */
export type Traffic = Pick<ProxyStats, 'listeners' | 'pools'>;

export interface StatusView extends Omit<NodeStatus, 'workers'> {
  readonly workers: readonly Omit<WorkerStatus, 'stats'>[];
  readonly traffic: Traffic;
  /** Host names of targets that cannot be looked up now, the one that has failed for the longest time first. */
  readonly failingNames: readonly FailingNameView[];
  /** Null: none are kept. */
  readonly observations: ObservationStoreStatus | null;
  /** What the node's config said at its start, without secrets: `{"node.workers": 2}`; null: not known. A change needs a restart. */
  readonly settings: Readonly<Record<string, unknown>> | null;
  /** What is wrong with the journal's file, and what to do; null while nothing was found. */
  readonly journalDamage: string | null;
}

export function statusView(
  status: NodeStatus,
  shown: Pick<StatusView, 'traffic' | 'failingNames' | 'observations' | 'settings' | 'journalDamage'>,
): StatusView {
  return { ...status, workers: status.workers.map(({ stats: _stats, ...worker }) => worker), ...shown };
}

/**
 * How a node that serves stands to its journal, in a word: what it has is the newest (`confirmed`), may be old (`unconfirmed`: the
 * journal's leader is not heard), is old (`away`), or is of another history (`replaced`). Traffic goes on in all four.
 */
export function journalStanding(
  status: Pick<NodeStatus, 'epochChange' | 'journalAwaySinceMs' | 'confirmation'>,
): 'confirmed' | 'unconfirmed' | 'away' | 'replaced' {
  if (status.epochChange !== null) return 'replaced';
  if (status.journalAwaySinceMs !== null) return 'away';
  return status.confirmation?.isFresh === false ? 'unconfirmed' : 'confirmed';
}

/** Why the node is not ready for traffic, one sentence each; empty when it is. */
export function unreadyReasons({ state, name, workers, listeners }: NodeStatus): string[] {
  return [
    ...(name.state === 'standing-back' && name.reason !== null ? [name.reason] : []),
    ...(state === 'serving' ? [] : [`the node is ${state}`]),
    ...workers.flatMap(({ index, state: at }) => (at === 'serving' ? [] : [`worker ${index} is ${at}`])),
    ...listeners.flatMap(({ id, state: at }) => (at === 'opening' ? [`listener ${id} is opening`] : [])),
  ];
}
