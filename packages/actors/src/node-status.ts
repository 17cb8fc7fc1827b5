/** What a node says of itself: its journal, its listeners and workers, and the other nodes that it hears. Read when somebody asks. */
import type { JournalPlace } from '@muster/journal';

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
