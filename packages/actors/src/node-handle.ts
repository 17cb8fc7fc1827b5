/**
 * A running node as the rest of the process sees it: the admin API, the metrics and the command line read it, and
 * send commands through it. `startNode` gives one.
 */
import type {
  BoundAddresses,
  Command,
  PendingFacts,
  RefusalReason,
  Rejection,
  RestorationStep,
  Roster,
  RecordedEvent,
  LiveWire,
} from '@muster/membership';
import type { Journal, JournalPlace } from '@muster/journal';
import type { ObservationSink } from '@muster/observations';
import type { InspectionLine, InspectionQuery } from './inspection/inspection-line.ts';
import type { Neighbour } from './peers/neighbours.ts';
import type { Clock, LocalSnapshot, Logger, OpenSocket, SpawnWorker, StartProbe } from './ports.ts';

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
  /** Where other nodes and members are heard; null (default) for a node that is alone with its journal. */
  readonly live?: LiveWire | null;
  /** Default null: a start while the journal is away waits for it. */
  readonly localSnapshot?: LocalSnapshot | null;
  /** Where it is kept that another history was adopted. Default null: until the node ends. */
  readonly adoptionStore?: AdoptionStore | null;
  /** Takes what this node sees and does not publish: probes, outliers, hashes. Default null: nobody does. */
  readonly observations?: ObservationSink | null;
  /** The software's version, as other nodes are told. Default `0`. */
  readonly version?: string;
  /** With a wire: what this node has bound now, for the others. Default: it does not say. */
  readonly bound?: () => BoundAddresses;
  /** With a wire: told what the other nodes have bound, all of it, at each change. Default: nobody. */
  readonly onNeighbours?: (neighbours: readonly Neighbour[]) => void;
  /** With a wire: silent for so long, this node counts as stopped for the others. Default 10,000; 1,000 or more. */
  readonly nodeLeaseMs?: number;
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

/** A listener of this node, and whether the newest definition of it is in force here. */
export interface ListenerStatus {
  readonly id: string;
  /**
   * `opening`: it is not bound yet, or no worker has answered. `moving`: it is to be bound elsewhere, and the other address is not had
   * yet. `failed`: the definition at `revision` did not take force, for `reason`; it is tried again. `closing`: it is removed.
   */
  readonly state: 'opening' | 'listening' | 'moving' | 'failed' | 'closing';
  /** Where it is really bound, null while it is not. One that could not move may still be where it was. */
  readonly boundAddress: string | null;
  /** Why it failed, null otherwise. */
  readonly reason: string | null;
  /** Of the event that defined it last, as far as this node has read. */
  readonly revision: number;
  /** Of the newest definition that every living worker of this node serves; null before the first. Equal to `revision`: in force. */
  readonly appliedRevision: number | null;
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

/** Another node, as its announcements show it. */
export interface PeerStatus {
  readonly node: string;
  readonly version: string;
  readonly epoch: string;
  readonly revision: number;
  readonly hash: string;
  readonly lag: number;
  /** ms since 1970 of its newest announcement. */
  readonly heardMs: number;
  /** False once it has been silent for three announcements. */
  readonly isHeard: boolean;
  /**
   * `equal`, `differs`: its hash and this node's at `comparedRevision`, the newest that both have been at.
   * `unknown`: there was none yet. `other-epoch`: it follows another history.
   */
  readonly agreement: 'equal' | 'differs' | 'unknown' | 'other-epoch';
  readonly comparedRevision: number;
}

/** The journal has become another history than the one this node serves. */
export interface EpochChange {
  readonly from: string;
  /** Equal to `from` where the same history has lost events that this node has. */
  readonly to: string;
  /** ms since 1970. */
  readonly sinceMs: number;
  /** How far the other history has been read, and how many pools it holds. */
  readonly revision: number;
  readonly poolsCount: number;
  /** Pools, backends, modes and listeners that it lacks or has otherwise; with none it is adopted. Null until it was read to its end. */
  readonly missingCount: number | null;
}

/** Another history was adopted. */
export interface Adoption {
  readonly from: string;
  /** Equal to `from` where that history had lost events that this node had. */
  readonly to: string;
  /** At which revision of it. */
  readonly revision: number;
  /** ms since 1970, by this node's clock. */
  readonly atMs: number;
  /** Who wanted it; null where it was adopted by itself, because it held all that was served. */
  readonly by: string | null;
}

export interface ProbeTotals {
  readonly passedCount: number;
  readonly failedCount: number;
}

/**
 * The leader's word on where the journal's end is. "Up to date" is only ever said with it: a copy that is cut off from the others
 * answers readers and knows nothing new.
 */
export interface JournalConfirmation {
  /** ms since 1970 of which the leader's newest word is: when it was asked for, less how long before the leader last had a majority; null before the first. */
  readonly atMs: number | null;
  /** Whether that was less than 4 s ago. */
  readonly isFresh: boolean;
  /** For people: why the newest question was not answered; null where it was. */
  readonly failure: string | null;
  /** Whether the answer was, and nothing since, that the store is not there any more. */
  readonly isGone: boolean;
  /** For people: why nothing is appended although it is there, as its leader's newest answer says; null while it is fit. */
  readonly unfit: string | null;
  /** Where the newest word came from; null before the first answer. */
  readonly place: JournalPlace | null;
  /** The server that this node is connected to now; null while it is to none. */
  readonly server: string | null;
}

/** At least half of those whose leases this node watches fell silent together: it may be this node that is alone. */
export interface MassSilence {
  /** ms since 1970 when it was noticed. */
  readonly sinceMs: number;
  /** Members and nodes that were silent then, of all whose leases were watched. */
  readonly silentCount: number;
  readonly watchedCount: number;
}

/** Leases that ended one after another, whichever nodes ended them. */
export interface BulkEnd {
  readonly count: number;
  /** ms since 1970 of the first and of the newest of them. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Whether this process is the node that it is called after: two processes may have been given one id. */
export interface NameStatus {
  /**
   * `listening`: whether another process is this node, for 0.2 to 2.2 s after the start. `standing-back`: one is; this one takes the
   * name once that is silent.
   */
  readonly state: 'listening' | 'held' | 'standing-back';
  /** ms since 1970. */
  readonly sinceMs: number;
  /** For people: why it does not hold the name, and what to do; null while it does. */
  readonly reason: string | null;
  /** Whether this process has ever found another one at its place: it declares nothing by itself then. */
  readonly hasStoodBack: boolean;
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
  /** For people: why, and where a person must do something, what; null while it answers. */
  readonly journalAwayReason: string | null;
  /** When and where the journal's leader last said what its newest event is; null for a journal of this machine. */
  readonly confirmation: JournalConfirmation | null;
  /** True from a start on the local snapshot until the journal has been read to its end. */
  readonly isFromLocalSnapshot: boolean;
  /** Null while the journal is the history that is served. */
  readonly epochChange: EpochChange | null;
  /** When this node adopted another history last, before a restart too; null for never. */
  readonly adoption: Adoption | null;
  /** How often this node has built its roster anew beside the one it served, and why the last time; null for never. */
  readonly rebuilds: { readonly count: number; readonly lastReason: string | null };
  /** Other nodes heard since the start, by name; those that stopped on purpose are left out. */
  readonly peers: readonly PeerStatus[];
  /** Whether another process announces itself under this node's name. */
  readonly isNameTaken: boolean;
  /** Whether this process speaks for the node that it is called after. While it does not, it serves and appends nothing. */
  readonly name: NameStatus;
  /** Members whose leases this node watches, and leases that it has ended since it began to serve; both 0 without a wire. */
  readonly leases: { readonly count: number; readonly expiredCount: number };
  /** Null while it is not so. */
  readonly massSilence: MassSilence | null;
  /** The newest time that many leases ended together since this node began to serve; null for never. */
  readonly bulkEnd: BulkEnd | null;
  readonly pendingFactsCount: number;
  readonly rejectedCount: number;
  readonly backendsCount: number;
  readonly probes: ProbeTotals;
  readonly listeners: readonly ListenerStatus[];
  readonly workers: readonly WorkerStatus[];
  /** Actors that failed too often and are not started again, by name, with the last reason. */
  readonly givenUp: readonly { readonly actor: string; readonly reason: string }[];
}

/** Keeps one adoption, the newest, over restarts. */
export interface AdoptionStore {
  /** Null where there is none. Throws where it cannot be read. */
  load(): Promise<Adoption | null>;
  /** Takes the place of the one before. Throws where it cannot be written. */
  save(adoption: Adoption): Promise<void>;
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
  /** For people: why nothing may be appended through this node now, by itself or by anybody; null while it may. */
  appendRefusal(): string | null;
  /** Decides on the newest roster, appends with that expectation, and answers when this node has folded the event. */
  execute(command: Command, origin: string): Promise<CommandOutcome>;
  /** Returns the function that ends the subscription. */
  onRosterChanged(listener: RosterListener): () => void;
  /** Why the event at a revision was passed over, where this node folded it and it is not long past; else null. */
  rejectionAt(revision: number): Rejection | null;
  /**
   * The live actors that a query asks for: first each as it is now, then a line of type `following`, then what happens to them
   * and to those that are born, until the signal aborts. Read at the caller's pace; what it is too slow for is dropped and said.
   */
  inspect(query: InspectionQuery, signal: AbortSignal): AsyncGenerator<readonly InspectionLine[], void>;
  /**
   * Takes the journal's present history in place of the one that is served, whatever it holds, and makes the journal anew
   * where it is gone. The answer says what was done; `refused` where the node follows the present history already or stops.
   */
  adoptEpoch(
    by?: string,
  ): Promise<
    | { readonly outcome: 'adopted'; readonly epoch: string; readonly revision: number }
    | { readonly outcome: 'refused' | 'unavailable'; readonly message: string }
  >;
  /**
   * Writes everything that is served into the journal's present history, making the journal anew where it is gone, and adopts that.
   * What the other history has beyond it stays. Answers as `adoptEpoch`.
   */
  restoreHistory(by: string): ReturnType<NodeHandle['adoptEpoch']>;
  /** What `restoreHistory` would write now, in order; `unavailable` while the other history has not been read to its end. */
  missingHistory(): Promise<
    /** `epoch`: the history that it would be written into; null: one that is made then. */
    | { readonly outcome: 'shown'; readonly epoch: string | null; readonly steps: readonly RestorationStep[] }
    | { readonly outcome: 'refused' | 'unavailable'; readonly message: string }
  >;
  /**
   * Called before another history is adopted: what is written into it then is there when it takes the place of the served one. At
   * most 10 s. Returns what ends it.
   */
  onAdopting(write: (successor: Pick<NodeHandle, 'roster' | 'execute'>) => Promise<void>): () => void;
  /** Stores a snapshot of what is served now, in the journal and on this machine. */
  saveSnapshot(): Promise<
    | { readonly outcome: 'saved'; readonly epoch: string; readonly revision: number }
    | { readonly outcome: 'unavailable'; readonly message: string }
  >;
  /** Told after another history was adopted: what the node's own config declares may be missing in it. Returns what ends it. */
  onEpochAdopted(listener: () => void): () => void;
  /** Resolves when the node has folded everything the journal had; rejects when it stops before. */
  caughtUp(): Promise<void>;
  /**
   * Resolves when this process first is the node that it is called after, so that it may append; rejects when it stops before. See
   * `NodeStatus.name` for what it waits for.
   */
  nameHeld(): Promise<void>;
  /**
   * Resolves when every worker serves the roster as it is now, sockets included; rejects when the node stops before. A node that
   * started on its local snapshot is ready before it has caught up.
   */
  ready(): Promise<void>;
  /**
   * Stops everything and waits for it: listeners stop accepting, workers let connections finish for `drainTimeoutMs`
   * (default 30,000), probes end, facts are flushed, a snapshot is saved, `NodeStopped` is appended. Idempotent.
   * The journal stays open: who opened it closes it. Called again with a shorter drain timeout, it shortens the wait.
   */
  stop(options?: { readonly drainTimeoutMs?: number; readonly reason?: string }): Promise<void>;
}
