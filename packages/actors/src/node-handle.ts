/**
 * A running node as the rest of the process sees it: the admin API, the metrics and the command line read it, and
 * send commands through it. `startNode` gives one.
 */
import type { Command, PendingFacts, RefusalReason, Rejection, Roster, RecordedEvent } from '@muster/membership';
import type { Journal } from '@muster/journal';
import type { Clock, Logger, OpenSocket, SpawnWorker, StartProbe } from './ports.ts';

export interface NodeOptions {
  /** This node's name, the second token of its health subjects. */
  readonly node: string;
  readonly cluster: string;
  readonly journal: Journal;
  /** Proxy workers, 0 to 1,024. 0: a node that watches and probes, and carries no traffic. */
  readonly workers: number;
  readonly clock: Clock;
  readonly startProbe: StartProbe;
  readonly openSocket: OpenSocket;
  readonly spawnWorker: SpawnWorker;
  readonly log: Logger;
  /** 0 ≤ n < 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

export type CommandOutcome =
  | { readonly outcome: 'appended'; readonly revision: number }
  /** The roster says so already, by the event at `revision`. */
  | { readonly outcome: 'unchanged'; readonly revision: number }
  | {
      readonly outcome: 'refused';
      readonly reason: RefusalReason | 'contended' | 'invalid';
      readonly message: string;
      readonly suggestion: string | null;
    }
  /** The journal did not take it; `isStored` is `unknown` when it may have. */
  | { readonly outcome: 'unavailable'; readonly isStored: 'no' | 'unknown'; readonly message: string };

export interface ListenerStatus {
  readonly id: string;
  /** `opening` until at least one worker listens on it. */
  readonly state: 'opening' | 'listening' | 'failed' | 'closing';
  /** Where it is really bound, null while it is not. */
  readonly boundAddress: string | null;
  /** Why it failed, null otherwise. */
  readonly reason: string | null;
}

export interface WorkerStatus {
  readonly index: number;
  readonly state: 'starting' | 'serving' | 'restarting' | 'given-up' | 'stopping';
  readonly pid: number | null;
  readonly revision: number;
  readonly hash: string | null;
  /** How often it was started again since the node started. */
  readonly restartsCount: number;
  /** The newest counters of this process; null before the first report. */
  readonly stats: unknown;
}

export interface ProbeTotals {
  readonly passedCount: number;
  readonly failedCount: number;
}

export interface NodeStatus {
  readonly node: string;
  readonly cluster: string;
  readonly state: 'starting' | 'catching-up' | 'serving' | 'stopping' | 'stopped';
  readonly startedMs: number;
  readonly epoch: string | null;
  readonly revision: number;
  readonly hash: string;
  /** The journal's newest revision that this node has heard of. `headRevision - revision` is the fold's lag in events. */
  readonly headRevision: number;
  /** ms since 1970 since when the journal has been away; null while it answers. */
  readonly journalAwaySinceMs: number | null;
  readonly pendingFactsCount: number;
  readonly rejectedCount: number;
  readonly backendsCount: number;
  readonly probes: ProbeTotals;
  readonly listeners: readonly ListenerStatus[];
  readonly workers: readonly WorkerStatus[];
  /** Actors that failed too often and are not started again, by name, with the last reason. */
  readonly givenUp: readonly { readonly actor: string; readonly reason: string }[];
}

/** Told after each batch of events, once the roster holds them. */
export type RosterListener = (
  before: Roster,
  after: Roster,
  batch: { readonly events: readonly RecordedEvent[]; readonly rejections: readonly Rejection[] },
) => void;

export interface NodeHandle {
  readonly journal: Journal;
  roster(): Roster;
  /** This node's unrecorded facts. Read only. */
  pending(): PendingFacts;
  status(): NodeStatus;
  /** Decides on the newest roster, appends with that expectation, and answers when this node has folded the event. */
  execute(command: Command, origin: string): Promise<CommandOutcome>;
  /** Returns the function that ends the subscription. */
  onRosterChanged(listener: RosterListener): () => void;
  /** Resolves when the node has folded everything the journal had; rejects when it stops before. */
  caughtUp(): Promise<void>;
  /** Resolves when every worker serves the roster as it is now, sockets included; rejects when the node stops before. */
  ready(): Promise<void>;
  /**
   * Stops everything and waits for it: listeners stop accepting, workers let connections finish for `drainTimeoutMs`
   * (default 30,000), probes end, facts are flushed, a snapshot is saved, `NodeStopped` is appended. Idempotent.
   * The journal stays open: who opened it closes it. Called again with a shorter drain timeout, it shortens the wait.
   */
  stop(options?: { readonly drainTimeoutMs?: number; readonly reason?: string }): Promise<void>;
}
