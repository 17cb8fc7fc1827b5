/** Metrics of the host names that workers look up. */
import type { WorkerStats } from './traffic-totals.ts';
import type { ReadSamples, Series } from './metric-series.ts';

type Names = WorkerStats['names'];

function byWorker(
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
    read: byWorker(({ namesFailing }) => [{ value: namesFailing }]),
  },
  {
    kind: 'gauge',
    name: 'muster_name_waits',
    help: 'Dials that wait for the addresses of a host name.',
    read: byWorker(({ waits }) => [{ value: waits }]),
  },
  {
    kind: 'counter',
    name: 'muster_name_questions_total',
    help: 'Look-ups of host names by what came of them: found, none (there is no such name), failed.',
    read: byWorker(({ answers }) => Object.entries(answers).map(([outcome, value]) => ({ outcome, value }))),
  },
  {
    kind: 'counter',
    name: 'muster_stale_addresses_total',
    help: 'Dials that used an address whose time to live was over, because no newer one could be had.',
    read: byWorker(({ staleAnswers }) => [{ value: staleAnswers }]),
  },
];
