/**
 * What the actors need from the world, as ports: time, probes, listening sockets, worker processes, a place for log
 * lines. The composition root gives the real ones; tests give simulated ones and run in virtual time.
 *
 * Traffic is not among them. The actors decide what there is to listen on and which workers live; the bytes pass
 * through the workers, which are told what happened (`WorkerMessage`) and report what they count (`WorkerReport`).
 */
import type { StoredSnapshot } from '@muster/journal';
import type { Address, HealthPolicy, Listener, PendingFact, PoolSpec, RecordedEvent } from '@muster/membership';
import type { Probe } from '@muster/probes';

/** XState's clock, plus the time of day, so that nothing else here reads a clock. */
export interface Clock {
  setTimeout(fn: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
  /** Milliseconds since 1970. The system's clock: it may be set, and then steps. */
  now(): number;
  /** Milliseconds since some moment; never steps. For how long something took or has been silent. */
  elapsedMs(): number;
}

/** Starts one probe of `target` (as published, see `parseTarget`) under a policy. */
export type StartProbe = (target: string, policy: HealthPolicy, limits: AnswerLimitFields) => Probe;

/** What the pool allows answers, those to probes included. */
export type AnswerLimitFields = Pick<PoolSpec, 'maxAnswerHeadBytes' | 'maxAnswerFields' | 'maxInterimAnswers'>;

/** A bound listening socket that the control process keeps, whatever becomes of the workers. */
export interface SharedSocket {
  /** What workers are sent, and only they look at. */
  readonly handle: object;
  /** Where it is bound now, for example `127.0.0.1:8080`; the port is the real one where 0 was asked for. */
  readonly boundAddress: string;
  /** The same with names resolved. */
  readonly address: Address;
  close(): void;
}

export type OpenSocketOutcome =
  | { readonly outcome: 'open'; readonly socket: SharedSocket }
  /** `reason` says for people what is wrong and what to do: `127.0.0.1:8080 is taken by another process`. */
  | {
      readonly outcome: 'failed';
      readonly reason: string;
      /** The address, with names resolved, that somebody has already; null where something else is wrong. */
      readonly taken: Address | null;
    };

/**
 * Binds without listening: a worker that is handed the socket listens. A Unix path where nobody listens any more is taken over, so
 * it must not be asked for one that a socket of this node has.
 */
export type OpenSocket = (bind: string) => Promise<OpenSocketOutcome>;

/** What the control process tells a worker, in order. */
export type WorkerMessage =
  /** The first message, and again when the worker fell too far behind: start over from this roster. */
  | {
      readonly kind: 'roster';
      /** Text of `encodeSnapshot`. */
      readonly snapshot: string;
      readonly pending: readonly PendingFact[];
    }
  | { readonly kind: 'events'; readonly events: readonly RecordedEvent[] }
  | { readonly kind: 'pending'; readonly added: readonly PendingFact[]; readonly settled: readonly PendingFact[] }
  /**
   * Accept connections on a socket; sent together with it. Again with a changed spec and no socket: use the new spec. Answered by
   * `listening` or `listen-failed` with the same revision. Again with a socket and nothing changed: the answer to `socket-wanted`.
   */
  | { readonly kind: 'listen'; readonly listener: ListenerDefinition }
  /** Stop accepting, which `unlistened` answers; open connections may finish for this long. */
  | { readonly kind: 'unlisten'; readonly id: string; readonly drainTimeoutMs: number }
  /** Stop accepting everywhere, let connections finish for this long, then exit with code 0. */
  | { readonly kind: 'drain'; readonly timeoutMs: number };

/** A listener as it is defined by the event at `revision`. */
export type ListenerDefinition = Pick<Listener, 'id' | 'spec' | 'revision'>;

/** A backend that failed as often in a row, in one worker, as its pool's policy bears. */
export interface Outlier {
  readonly pool: string;
  readonly backend: string;
  /** The target that failed. */
  readonly target: string;
  readonly failures: number;
  /** For people: `5 failures in a row: connection refused`. */
  readonly reason: string;
}

/** What a worker tells the control process. */
export type WorkerReport =
  /** It runs and waits for its roster. */
  | { readonly kind: 'started' }
  /** It has folded everything up to a revision. Sent after each batch: what is not acknowledged yet is bounded. */
  | { readonly kind: 'folded'; readonly revision: number; readonly hash: string }
  /** The definition at `revision` is what new connections get. */
  | { readonly kind: 'listening'; readonly listener: string; readonly revision: number }
  | {
      readonly kind: 'listen-failed';
      readonly listener: string;
      readonly revision: number;
      readonly reason: string;
      /** True where the socket is of no use and another one must be bound. */
      readonly isSocketLost: boolean;
    }
  /** The worker has closed its hold on the listener's socket. */
  | { readonly kind: 'unlistened'; readonly listener: string }
  /** The worker was full and had closed its hold on the socket; it has room again. */
  | { readonly kind: 'socket-wanted'; readonly listener: string }
  /** Live traffic found a backend failing: at most once a second for each. */
  | ({ readonly kind: 'outlier' } & Outlier)
  /** Cumulative counters since its start, about once a second. Their shape is the data plane's own. */
  | { readonly kind: 'stats'; readonly stats: unknown }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly fields: object; readonly text: string };

/** A live worker process. */
export interface WorkerProcess {
  readonly pid: number;
  /** Resolves when the message was handed to the operating system; rejects when the worker is gone. */
  send(message: WorkerMessage, socket?: SharedSocket): Promise<void>;
  /** Ends it without waiting for its connections. */
  kill(): void;
}

export interface WorkerEvents {
  readonly onReport: (report: WorkerReport) => void;
  /** Once; `reason` for people: `killed by SIGKILL`, `exit code 1`. */
  readonly onExit: (reason: string) => void;
}

/** Starts worker `index` (0 for the first) of the node. */
export type SpawnWorker = (index: number, events: WorkerEvents) => WorkerProcess;

/** One snapshot on this machine, for a start while the journal is away. */
export interface LocalSnapshot {
  /** Null where there is none, or none that can be read; that is logged by whoever implements this. */
  load(): Promise<StoredSnapshot | null>;
  /** Takes the place of the one before, whole or not at all. */
  save(snapshot: StoredSnapshot): Promise<void>;
}

/** What stands beside the text of a line. What was thrown is `err`, under no other name: only that keeps its stack. */
export interface LogFields {
  readonly err?: unknown;
  readonly error?: never;
  readonly cause?: never;
  readonly e?: never;
  readonly [name: string]: unknown;
}

export interface Logger {
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
}
