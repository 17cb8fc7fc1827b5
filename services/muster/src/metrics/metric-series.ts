/** One metric: its name, and how its samples are read off what a scrape sees. */
import type { NodeStatus } from '@muster/actors';
import type { Traffic } from './traffic-totals.ts';

/** What one scrape reads. */
export interface Scrape {
  readonly status: NodeStatus;
  readonly traffic: Traffic;
  readonly pools: readonly { readonly id: string; readonly size: number; readonly eligibleCount: number }[];
}

export interface Sample {
  readonly labels: Record<string, string>;
  readonly value: number;
}

export interface Series {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (scrape: Scrape) => readonly Sample[];
}

/** A series without labels. */
export const one = (value: number): Sample[] => [{ labels: {}, value }];

export const flag = (isSet: boolean): Sample[] => one(isSet ? 1 : 0);
