/** What a worker reports once a second: what its data plane counts, and the lines of its access log. */
import type { ProxyStats } from '@muster/proxy';
import type { ResolverStats } from '@muster/transport';

export interface AccessLogStats {
  /** Lines that were handed to the operating system. */
  readonly written: number;
  /** Lines that there was no room for, because nobody read fast enough. */
  readonly dropped: number;
}

/** Cumulative since the worker's start, gauges apart. */
export interface WorkerStats extends ProxyStats {
  readonly accessLog: AccessLogStats;
  readonly names: ResolverStats;
  /** Dials that were not made, because the target is one that this node does not dial. */
  readonly refusedTargets: number;
}
