/** Metrics of the store of observations; zero where the node keeps none. */
import { one, type Series } from './metric-series.ts';

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
