/**
 * The pool: keeps one backend actor per member that is to be watched, as the node's reconciler wishes it, and the ejector,
 * which takes out for a while who fails with live traffic.
 *
 * It is told in batches what each backend should be now, not what happened to it, and changes only those that differ: a
 * backend whose target, policy and health are what its actor has already is left alone, whatever else was said about it.
 */
import { createActor, forwardTo, fromCallback, setup, type Actor } from 'xstate';
import { ActorGroup } from '../actor-group.ts';
import { backendMachine, type BackendPorts } from './backend-machine.ts';
import { Ejector, type EjectorPorts, type MemberState } from './ejector.ts';
import type { Outlier } from '../ports.ts';
import type { ProbeTask } from './probe-round.ts';

/** What one backend should be now. */
export interface BackendWish {
  readonly backend: string;
  /** Null: no member any more. */
  readonly member: MemberState | null;
  /** Null: nothing to probe, or no member any more. */
  readonly task: ProbeTask | null;
}

export interface PoolInput {
  readonly pool: string;
  readonly ports: BackendPorts & EjectorPorts;
}

/** About `RECONCILE_SLICE` wishes, at most. */
interface ReconcileEvent {
  readonly type: 'reconcile';
  readonly wishes: readonly BackendWish[];
}

/** A worker's traffic found a backend failing. */
interface OutlierEvent {
  readonly type: 'outlier';
  readonly outlier: Outlier;
}

/** A backend's probes pass, which they did not before. */
interface TurnedHealthyEvent {
  readonly type: 'turned-healthy';
  readonly backend: string;
  readonly reason: string;
}

type PoolEvent = ReconcileEvent | OutlierEvent | TurnedHealthyEvent;

/** Owns the backends, so that they end with the pool whatever ends it. */
const members = fromCallback<ReconcileEvent, PoolInput>(({ input: { pool, ports }, sendBack, receive }) => {
  const taskByBackend = new Map<string, ProbeTask>();
  const onFinding: BackendPorts['onFinding'] = (finding) => {
    ports.onFinding(finding);
    const { backend, event } = finding;
    if (event.type === 'BackendTurnedHealthy') sendBack({ type: 'turned-healthy', backend, reason: event.reason });
  };
  const group = new ActorGroup<Actor<typeof backendMachine>>(ports, {
    kind: 'backend',
    pool,
    create: (backend) => {
      const input = { pool, backend, task: taskByBackend.get(backend)!, ports: { ...ports, onFinding } };
      return createActor(backendMachine, { clock: ports.clock, input });
    },
  });
  const fulfil = ({ backend, task }: BackendWish): void => {
    if (task === null) {
      taskByBackend.delete(backend);
      group.stop(backend);
      return;
    }
    taskByBackend.set(backend, task);
    if (!group.has(backend)) group.start(backend);
    const actor = group.get(backend);
    if (actor === null || isSameTask(actor.getSnapshot().context.task, task)) return;
    actor.send({ type: 'probe', task });
  };
  receive(({ wishes }) => wishes.forEach(fulfil));
  return () => group.stopAll();
});

/** The ejections end with the pool, too; the roster knows who is ejected when it is started again. */
const ejector = fromCallback<PoolEvent, PoolInput>(({ input: { pool, ports }, receive }) => {
  const actor = new Ejector(pool, ports);
  receive((event) => {
    switch (event.type) {
      case 'reconcile':
        return event.wishes.forEach(({ backend, member }) => actor.follow(backend, member));
      case 'outlier':
        return actor.judge(event.outlier);
      case 'turned-healthy':
        return actor.turnedHealthy(event.backend, event.reason);
    }
  });
  return () => actor.stop();
});

export const poolMachine = setup({
  types: {
    context: {} as PoolInput,
    input: {} as PoolInput,
    events: {} as PoolEvent,
  },
  actors: { members, ejector },
}).createMachine({
  id: 'pool',
  context: ({ input }) => input,
  invoke: [
    { id: 'members', src: 'members', input: ({ context }) => context },
    { id: 'ejector', src: 'ejector', input: ({ context }) => context },
  ],
  initial: 'watching',
  states: {
    watching: {
      on: {
        reconcile: { actions: [forwardTo('members'), forwardTo('ejector')] },
        outlier: { actions: forwardTo('ejector') },
        'turned-healthy': { actions: forwardTo('ejector') },
      },
    },
  },
});

const LIMITS = ['maxAnswerHeadBytes', 'maxAnswerFields', 'maxInterimAnswers'] as const;

function isSameTask(left: ProbeTask, right: ProbeTask): boolean {
  if (left.target !== right.target || left.health !== right.health) return false;
  if (LIMITS.some((field) => left.limits[field] !== right.limits[field])) return false;
  return left.policy === right.policy || JSON.stringify(left.policy) === JSON.stringify(right.policy);
}
