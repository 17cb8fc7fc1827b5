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
import type { Journal } from '@muster/journal';
import type { ObservationSink } from '@muster/observations';
import type { InspectionLine, InspectionQuery } from './inspection/inspection-line.ts';
import type { Adoption, NodeStatus } from './node-status.ts';
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
