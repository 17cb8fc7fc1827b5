/**
 * I8: whatever keeps a backend out names the event that did it: one that is in the history, is about this backend, and says what
 * keeps it out; or a fact that this node has not been able to append yet.
 */
import {
  eligibility,
  viewpointOf,
  withPendingFacts,
  type Backend,
  type Eligibility,
  type View,
} from '@muster/membership';
import type { History } from '../world/history.ts';
import type { NodeProcess } from '../world/machine.ts';
import type { World } from '../world/world.ts';

type Obstacle = Extract<Eligibility, { isEligible: false }>;

export function checkNamedObstacles(world: World): void {
  for (const process of world.serving()) {
    const { machine, handle } = process;
    const { epoch } = handle.status();
    if (epoch === null) continue;
    const history = world.store.historiesByEpoch.get(epoch);
    const view = { roster: handle.roster(), node: machine.name, pending: handle.pending() };
    if (history !== undefined) judgeView(world, { who: machine.name, view, history, process });
    for (const { index, roster, pending, epoch: held, isUpToDate } of process.livingProxies()) {
      const ofWorker = world.store.historiesByEpoch.get(held);
      if (roster === null || !isUpToDate || ofWorker === undefined) continue;
      const who = `worker ${index} of ${machine.name}`;
      judgeView(world, { who, view: { roster, node: machine.name, pending }, history: ofWorker, process });
    }
  }
}

interface Holder {
  readonly who: string;
  readonly view: View;
  readonly history: History;
  readonly process: NodeProcess;
}

function judgeView({ report }: World, { who, view, history, process }: Holder): void {
  const viewpoint = viewpointOf(view.roster, view.node);
  for (const { id: pool, spec, backends } of view.roster.pools.values()) {
    for (const recorded of backends.values()) {
      const backend = withPendingFacts(recorded, view.node, view.pending);
      const found = eligibility(backend, spec, viewpoint);
      if (found.isEligible || isNamed(backend, { obstacle: found, history, process })) continue;
      const why = `${found.axis} ${found.value} by revision ${found.revision}`;
      report('I8', `${who} keeps ${pool}/${backend.id} out: ${why}, which says nothing of the kind`);
    }
  }
}

function isNamed(
  { pool, id, target }: Backend,
  { obstacle, history, process }: { obstacle: Obstacle; history: History; process: NodeProcess },
): boolean {
  const { axis, value, revision } = obstacle;
  if (revision === 0) {
    const facts = process.handle.pending().get(`${pool}/${id}`);
    return (axis === 'health' ? facts?.health : axis === 'ejection' ? facts?.ejection : undefined) !== undefined;
  }
  const event = history.events[revision - 1];
  if (event === undefined) return false;
  const [, , kind, ...names] = event.subject.split('.');
  const said = JSON.parse(event.payload) as { type?: string; mode?: string; target?: string };
  const isOfBackend = kind === 'backend' && names[0] === pool && names[1] === id;
  const isSeen = kind === 'health' && names[1] === pool && names[2] === id && said.target === target.value;
  switch (axis) {
    case 'mode':
      return isOfBackend && said.type === 'BackendModeSet' && said.mode === value;
    case 'ejection':
      return isSeen && names[0] === process.machine.name && said.type === 'BackendEjected';
    case 'health':
      if (value === 'unknown') return isOfBackend && said.type === 'BackendRegistered' && said.target === target.value;
      return isSeen && said.type === 'BackendTurnedUnhealthy';
  }
}
