/**
 * What a node saw with its own eyes and does not publish: every probe's outcome, what its workers' traffic found, the roster's
 * hash at each revision, what other nodes said theirs was, and, while somebody asked for it, its workers' decisions.
 *
 * The journal has only what follows from these (a flip, an ejection). They are kept on this machine, for a while, so that a
 * flip can be traced to its probes, and settings that were never in force can be tried on them.
 *
 * Plain data, which survives JSON. Times are whole ms since 1970 by this machine's clock.
 */
import type { Health, HealthPolicy } from '@muster/membership';
import type { Decision } from '@muster/selection';

/** A prober began on a target, with what was thought of it then: at a start, for a new target or policy, after a crash. */
export interface ProbingBegan {
  readonly kind: 'probing-began';
  readonly timeMs: number;
  readonly pool: string;
  readonly backend: string;
  readonly target: string;
  readonly policy: HealthPolicy;
  /** What the judgement starts from. */
  readonly health: Health;
}

/**
 * What a prober thinks of its target, said anew now and then (after a probe, when ten minutes have passed since the last time), so
 * that whoever reads need not go back to where it began: that may be long gone.
 */
export interface ProbingState {
  readonly kind: 'probing-state';
  readonly timeMs: number;
  readonly pool: string;
  readonly backend: string;
  readonly target: string;
  readonly policy: HealthPolicy;
  readonly health: Health;
  /** Findings in a row that speak against it. */
  readonly againstCount: number;
}

/**
 * The prober on a backend ended: the backend left or is in maintenance, its pool has no health policy any more, another prober
 * takes its place, it crashed, or the node stops. A node that was killed says nothing.
 */
export interface ProbingEnded {
  readonly kind: 'probing-ended';
  readonly timeMs: number;
  readonly pool: string;
  readonly backend: string;
}

/** One probe. Those that say nothing about the target (a fault of this machine, taken back) are kept too, and marked by their code. */
export interface ProbeSeen {
  readonly kind: 'probe';
  /** Its end, in whole ms. */
  readonly timeMs: number;
  readonly pool: string;
  readonly backend: string;
  readonly target: string;
  readonly passed: boolean;
  /** Why it did not pass: a `ProbeFailureCode`; null where it did. */
  readonly code: string | null;
  /** Why it did not pass, in words; null where it did. */
  readonly reason: string | null;
  /** A store keeps tenths. */
  readonly durationMs: number;
}

/** The judgement of a backend's health changed by the probe before: what was done then, whatever became of the fact that says so. */
export interface HealthTurned {
  readonly kind: 'turned';
  readonly timeMs: number;
  readonly pool: string;
  readonly backend: string;
  readonly target: string;
  readonly health: 'healthy' | 'unhealthy';
  /** The reason that the fact gives, too: `connection refused`, `2 probes passed`. */
  readonly reason: string;
}

/** Live traffic found a backend failing: what ejections are decided on. */
export interface OutlierSeen {
  readonly kind: 'outlier';
  readonly timeMs: number;
  readonly pool: string;
  readonly backend: string;
  readonly target: string;
  readonly failures: number;
  readonly reason: string;
}

/** A roster's hash at a revision, as one node had it. */
export interface HashPoint {
  readonly kind: 'hash';
  readonly timeMs: number;
  readonly node: string;
  readonly epoch: string;
  readonly revision: number;
  /** The value of `rosterHash`. */
  readonly hash: string;
}

/** A decision of one of the node's workers, kept while somebody asked for it. */
export interface DecisionSeen {
  readonly kind: 'decision';
  /** When the request began. */
  readonly timeMs: number;
  readonly worker: number;
  readonly decision: Decision;
}

/** What a store could not keep: the disk was full, or more came than it could take. Whatever rests on that time is incomplete. */
export interface ObservationsLost {
  readonly kind: 'lost';
  /** The newest of them. */
  readonly timeMs: number;
  /** The oldest of them. */
  readonly sinceMs: number;
  readonly count: number;
}

export type Observation =
  | ProbingBegan
  | ProbingState
  | ProbingEnded
  | ProbeSeen
  | HealthTurned
  | OutlierSeen
  | HashPoint
  | DecisionSeen
  | ObservationsLost;
export type ObservationKind = Observation['kind'];

/** What is wanted of a store. What is left out does not narrow. */
export interface ObservationQuery {
  /** Inclusive, ms since 1970. */
  readonly fromMs?: number;
  /** Exclusive. */
  readonly toMs?: number;
  readonly kinds?: readonly ObservationKind[];
  readonly pool?: string;
  readonly backend?: string;
}

/** Takes observations in. Never throws and never waits: what a full disk or a full queue costs is counted and logged, and nothing else. */
export interface ObservationSink {
  add(observation: Observation): void;
}

/** Where observations are read from: a node's store, or an incident file. */
export interface ObservationSource {
  /**
   * In the order in which they were made, which is that of their times, save where the machine's clock was set back. A query for
   * a pool or a backend finds whatever was `lost` as well.
   */
  observations(query?: ObservationQuery): AsyncIterable<Observation>;
  /** From when on it is complete, ms since 1970; null where it has nothing. */
  observedSinceMs(): Promise<number | null>;
}
