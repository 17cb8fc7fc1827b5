/** Metrics of a node's processes: the workers, the host names that they look up, the control process itself and what it keeps of what it saw. */
import type { NodeStatus } from '@muster/actors';
import { one, type ReadSamples, type Series } from './metric-text.ts';
import type { WorkerStats } from './traffic-totals.ts';

function byWorker(read: (worker: NodeStatus['workers'][number]) => number): ReadSamples {
  return ({ status }) =>
    status.workers.map((worker) => ({ labels: { worker: String(worker.index) }, value: read(worker) }));
}

export const PROCESS_SERIES: readonly Series[] = [
  {
    kind: 'counter',
    name: 'muster_targets_refused_total',
    help: 'Dials that were not made, because the target is an address of the node itself or its policy forbids it.',
    read: ({ status }) =>
      status.workers.flatMap(({ index, stats }) => {
        const value = (stats as Partial<WorkerStats> | null)?.refusedTargets;
        return value === undefined ? [] : [{ labels: { worker: String(index) }, value }];
      }),
  },
  {
    kind: 'gauge',
    name: 'muster_worker_up',
    help: '1 while the worker serves.',
    read: byWorker(({ state }) => (state === 'serving' ? 1 : 0)),
  },
  {
    kind: 'gauge',
    name: 'muster_worker_revision',
    help: 'The newest event that the worker has folded.',
    read: byWorker(({ revision }) => revision),
  },
  {
    kind: 'counter',
    name: 'muster_worker_restarts_total',
    help: 'How often the worker was started again.',
    read: byWorker(({ restartsCount }) => restartsCount),
  },
  {
    kind: 'counter',
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the control process, user and system.',
    read: () => {
      const { user, system } = process.cpuUsage();
      return one((user + system) / 1e6);
    },
  },
  {
    kind: 'gauge',
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the control process.',
    read: () => one(process.memoryUsage.rss()),
  },
  {
    kind: 'gauge',
    name: 'process_start_time_seconds',
    help: 'When the node started, seconds since 1970.',
    read: ({ status }) => one(status.startedMs / 1000),
  },
];

type Names = WorkerStats['names'];

/** What each worker says of the host names that it looks up. */
function byNames(
  read: (names: Names) => readonly { readonly outcome?: string; readonly value: number }[],
): ReadSamples {
  return ({ status }) =>
    status.workers.flatMap(({ index, stats }) => {
      const names = (stats as Partial<WorkerStats> | null)?.names;
      if (names === undefined) return [];
      return read(names).map(({ outcome, value }) => {
        const worker = String(index);
        return { labels: outcome === undefined ? { worker } : { worker, outcome }, value };
      });
    });
}

export const NAME_SERIES: readonly Series[] = [
  {
    kind: 'gauge',
    name: 'muster_names_failing',
    help: 'Host names of targets that cannot be looked up now.',
    read: byNames(({ namesFailing }) => [{ value: namesFailing }]),
  },
  {
    kind: 'gauge',
    name: 'muster_name_waits',
    help: 'Dials that wait for the addresses of a host name.',
    read: byNames(({ waits }) => [{ value: waits }]),
  },
  {
    kind: 'counter',
    name: 'muster_name_questions_total',
    help: 'Look-ups of host names by what came of them: found, none (there is no such name), failed.',
    read: byNames(({ answers }) => Object.entries(answers).map(([outcome, value]) => ({ outcome, value }))),
  },
  {
    kind: 'counter',
    name: 'muster_stale_addresses_total',
    help: 'Dials that used an address whose time to live was over, because no newer one could be had.',
    read: byNames(({ staleAnswers }) => [{ value: staleAnswers }]),
  },
];

export const OBSERVATION_SERIES: readonly Series[] = [
  {
    kind: 'counter',
    name: 'muster_observations_kept_total',
    help: 'Observations that were written to this disk.',
    read: ({ observations }) => one(observations?.keptCount ?? 0),
  },
  {
    kind: 'counter',
    name: 'muster_observations_lost_total',
    help: 'Observations that could not be kept: the disk took nothing, or more came than it could take.',
    read: ({ observations }) => one(observations?.lostCount ?? 0),
  },
  {
    kind: 'gauge',
    name: 'muster_observations_bytes',
    help: 'What the kept observations take on the disk.',
    read: ({ observations }) => one(observations?.bytes ?? 0),
  },
  {
    kind: 'gauge',
    name: 'muster_observations_since_seconds',
    help: 'When the oldest kept observation was made, in seconds since 1970; 0 for none.',
    read: ({ observations }) => one((observations?.sinceMs ?? 0) / 1_000),
  },
];
