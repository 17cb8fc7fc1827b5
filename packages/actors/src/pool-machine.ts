/**
 * The pool: keeps one backend actor per member that is to be watched, as the node's reconciler wishes it.
 *
 * It is told in batches what each backend should be now, not what happened to it, and changes only those that differ: a
 * backend whose target, policy and health are what its actor has already is left alone, whatever else was said about it.
 */
import { createActor, forwardTo, fromCallback, setup, type Actor } from 'xstate';
import { ActorGroup } from './actor-group.ts';
import { backendMachine, type BackendPorts } from './backend-machine.ts';
import type { ProbeTask } from './probe-round.ts';

/** What one backend should be now. */
export interface BackendWish {
  readonly backend: string;
  /** Null: nothing to probe, or no member any more. */
  readonly task: ProbeTask | null;
}

export interface PoolInput {
  readonly pool: string;
  readonly ports: BackendPorts;
}

/** About `RECONCILE_SLICE` wishes, at most. */
interface PoolEvent {
  readonly type: 'reconcile';
  readonly wishes: readonly BackendWish[];
}

/** Owns the backends, so that they end with the pool whatever ends it. */
const members = fromCallback<PoolEvent, PoolInput>(({ input: { pool, ports }, receive }) => {
  const taskByBackend = new Map<string, ProbeTask>();
  const group = new ActorGroup<Actor<typeof backendMachine>>(ports, {
    kind: `backend of pool ${pool}`,
    create: (backend) => {
      const input = { pool, backend, task: taskByBackend.get(backend)!, ports };
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

export const poolMachine = setup({
  types: {
    context: {} as PoolInput,
    input: {} as PoolInput,
    events: {} as PoolEvent,
  },
  actors: { members },
}).createMachine({
  id: 'pool',
  context: ({ input }) => input,
  invoke: { id: 'members', src: 'members', input: ({ context }) => context },
  initial: 'watching',
  states: { watching: { on: { reconcile: { actions: forwardTo('members') } } } },
});

function isSameTask(left: ProbeTask, right: ProbeTask): boolean {
  if (left.target !== right.target || left.health !== right.health) return false;
  return left.policy === right.policy || JSON.stringify(left.policy) === JSON.stringify(right.policy);
}
