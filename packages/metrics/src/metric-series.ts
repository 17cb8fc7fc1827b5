/** One metric: its name, and how its samples are read off what a scrape sees. */
import type { NodeStatus } from '@muster/actors';
import type { ObservationStoreStatus } from '@muster/observations';
import type { LatencyCounts } from '@muster/proxy';
import type { HttpPoolTotals } from './http-totals.ts';
import type { Traffic } from '@muster/questions/status';
import type { TrafficTotals } from './traffic-totals.ts';

/** What one scrape reads. */
export interface Scrape {
  readonly status: NodeStatus;
  readonly traffic: Traffic;
  readonly http: readonly HttpPoolTotals[];
  readonly refusedHeads: TrafficTotals['http']['refusedHeads'];
  readonly accessLog: TrafficTotals['accessLog'];
  readonly pools: readonly { readonly id: string; readonly size: number; readonly eligibleCount: number }[];
  /** Null: none are kept. */
  readonly observations: ObservationStoreStatus | null;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type ReadSamples = (scrape: Scrape) => Iterable<Sample>;

export interface LatencySample {
  readonly labels: Readonly<Record<string, string>>;
  readonly latency: LatencyCounts;
}

interface Named {
  readonly name: string;
  readonly help: string;
}

export type Series = Named &
  (
    | { readonly kind: 'counter' | 'gauge'; readonly read: ReadSamples }
    /** In seconds; its buckets are those of `LATENCY_BOUNDS_MS`. */
    | { readonly kind: 'latency'; readonly read: (scrape: Scrape) => Iterable<LatencySample> }
  );

/** A series without labels. */
export const one = (value: number): Sample[] => [{ labels: {}, value }];

export const flag = (isSet: boolean): Sample[] => one(isSet ? 1 : 0);
