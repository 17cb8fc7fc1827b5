/** Metrics of the processes: the workers, and the control process itself. */
import type { WorkerStats } from './traffic-totals.ts';
import type { NodeStatus } from '@muster/actors';
import { one, type ReadSamples, type Series } from './metric-series.ts';

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
