/**
 * What of a declared roster is not in force on a node although it was appended, and why: what a person must look at after an
 * `apply` or a start. Only this node is looked at; what other nodes make of the same events, their own status says.
 */
import type { NodeStatus } from '@muster/actors';
import type { DeclaredRoster } from '../declared-roster.ts';
import type { PlanStep } from './plan-step.ts';

export interface NotInForce {
  readonly kind: 'pool' | 'backend' | 'listener' | 'worker' | 'node';
  readonly name: string;
  /** For people: what is wrong, and what to do. */
  readonly why: string;
}

type Seen = Pick<NodeStatus, 'node' | 'listeners' | 'givenUp'> & {
  readonly workers: readonly Pick<NodeStatus['workers'][number], 'index' | 'state' | 'revision'>[];
};

/** What has not come to its end yet, one clause each; empty where all that can be known is known. */
export function unsettled(
  status: Seen & Pick<NodeStatus, 'revision'>,
  declared: DeclaredRoster,
  revision: number,
): string[] {
  const behind = status.workers.filter((worker) => worker.revision < revision && worker.state !== 'given-up');
  return [
    ...(status.revision < revision ? [`the node is at revision ${status.revision}`] : []),
    ...behind.map(({ index, state }) => `worker ${index} is ${state === 'serving' ? 'behind' : state}`),
    ...ownListeners(status, declared).flatMap((listener) => {
      if (listener.isInForce || listener.state === 'failed') return [];
      return [`listener ${listener.id} is ${listener.state}`];
    }),
  ];
}

export function notInForce(status: Seen, declared: DeclaredRoster): NotInForce[] {
  return [
    ...ownListeners(status, declared).flatMap(({ id, state, reason, isInForce }): NotInForce[] =>
      isInForce ? [] : [{ kind: 'listener', name: id, why: reason ?? `it is ${state}` }],
    ),
    ...status.workers.flatMap(({ index, state }): NotInForce[] =>
      state === 'given-up'
        ? [{ kind: 'worker', name: String(index), why: 'it failed too often and was given up' }]
        : [],
    ),
    ...status.givenUp.map(({ actor, reason }): NotInForce => ({ kind: 'node', name: actor, why: reason })),
  ];
}

/** What a plan leaves as it is although the file says otherwise. */
export function leftAlone(steps: readonly PlanStep[]): NotInForce[] {
  return steps.flatMap((step) =>
    step.action === 'left-alone' ? [{ kind: step.kind, name: step.name, why: step.why }] : [],
  );
}

interface SeenListener {
  readonly id: string;
  /** `changing`: it listens, and not every worker has the newest definition. */
  readonly state: NodeStatus['listeners'][number]['state'] | 'changing' | 'unknown to the node';
  readonly reason: string | null;
  /** Every living worker serves the newest definition. */
  readonly isInForce: boolean;
}

/** Of a listener that names other nodes, this one knows nothing. */
function ownListeners({ node, listeners }: Seen, declared: DeclaredRoster): SeenListener[] {
  return declared.listeners
    .filter(({ spec }) => spec.nodes?.includes(node) ?? true)
    .map(({ id }) => {
      const found = listeners.find((listener) => listener.id === id);
      if (found === undefined) return { id, state: 'unknown to the node', reason: null, isInForce: false };
      const isInForce = found.state === 'listening' && found.appliedRevision === found.revision;
      const state = found.state === 'listening' && !isInForce ? 'changing' : found.state;
      return { id, state, reason: found.reason, isInForce };
    });
}
