/**
 * What the actors need from the world, as ports: time, probes, listening sockets, worker processes, a place for log
 * lines. The composition root gives the real ones; tests give simulated ones and run in virtual time.
 *
 * Traffic is not among them. The actors decide what there is to listen on and which workers live; the bytes pass
 * through the workers, which are told what happened (`WorkerMessage`) and report what they count (`WorkerReport`).
 */
import type { HealthPolicy, Listener, PendingFact, RecordedEvent } from '@muster/membership';
import type { Probe } from '@muster/probes';

/** XState's clock, plus the time of day, so that nothing else here reads a clock. */
export interface Clock {
  setTimeout(fn: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
  /** Milliseconds since 1970. */
  now(): number;
}

/** Starts one probe of `target` (as published, see `parseTarget`) under a policy. */
export type StartProbe = (target: string, policy: HealthPolicy) => Probe;

/** A bound listening socket that the control process keeps, whatever becomes of the workers. */
export interface SharedSocket {
  /** Where it is bound now, for example `127.0.0.1:8080`; the port is the real one where 0 was asked for. */
  readonly boundAddress: string;
  close(): void;
}

export type OpenSocketOutcome =
  | { readonly outcome: 'open'; readonly socket: SharedSocket }
  /** `reason` says for people what is wrong and what to do: `127.0.0.1:8080 is taken by another process`. */
  | { readonly outcome: 'failed'; readonly reason: string };

/** Binds without listening: a worker that is handed the socket listens. */
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
  /** Accept connections on a socket; sent together with it. Again with a changed spec and no socket: use the new spec. */
  | { readonly kind: 'listen'; readonly listener: Pick<Listener, 'id' | 'spec'> }
  /** Stop accepting; open connections may finish for this long. */
  | { readonly kind: 'unlisten'; readonly id: string; readonly drainTimeoutMs: number }
  /** Stop accepting everywhere, let connections finish for this long, then exit with code 0. */
  | { readonly kind: 'drain'; readonly timeoutMs: number };

/** What a worker tells the control process. */
export type WorkerReport =
  /** It runs and waits for its roster. */
  | { readonly kind: 'started' }
  /** It has folded everything up to a revision. Sent after each batch: what is not acknowledged yet is bounded. */
  | { readonly kind: 'folded'; readonly revision: number; readonly hash: string }
  | { readonly kind: 'listening'; readonly listener: string }
  | { readonly kind: 'listen-failed'; readonly listener: string; readonly reason: string }
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

export interface Logger {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}
