/**
 * A real nats-server, as a child process: one alone or three as a cluster, on ports of their own and files of their own.
 *
 * For tests, benchmarks and the cluster demo. Nothing that serves traffic starts a NATS server.
 */

/** Versions that the project is tried with. `system` is the one that the machine's packages install. */
export type NatsServerVersion = 'system' | '2.10' | '2.15';

export interface NatsServerProgram {
  readonly path: string;
  /** For example `2.15.1`. */
  readonly version: string;
}

/** Why a program cannot be had here, in one line that says what to do; tests skip with it. */
export interface NatsServerUnavailable {
  readonly unavailable: string;
}

export interface NatsServerOptions {
  readonly program: NatsServerProgram;
  /** Where its store, its config and its log are. It is not removed. */
  readonly folder: string;
  /** Unique in a cluster, where it is the member's identity over restarts. Default `nats-1`. */
  readonly name?: string;
  /** Default: one that was free a moment ago. Kept over restarts. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Further lines of its config file: accounts, authorization, tls (not with `handshake_first`), max_payload. */
  readonly configLines?: string;
}

/** Disposing it kills the process and leaves the folder. It never outlives the process that started it. */
export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  /** Of the process that runs or ran last. */
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  /** Where it answers monitoring requests over HTTP. */
  readonly monitorPort: number;
  /** Sends a signal and waits for the end; SIGKILL is what a fault test sends. A paused one is resumed to take it. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and store, and waits until it takes connections. Throws where it still runs. */
  restart(): Promise<void>;
  /** SIGSTOP. Resolves when every thread of it stands still: until then it may still answer. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): void;
  /** What it has logged so far. */
  log(): string;
}

/** Disposing it kills all servers and leaves their folders. */
export interface NatsCluster extends AsyncDisposable {
  /** In the order of their names, `nats-1` first. */
  readonly servers: readonly NatsServer[];
  /** All clients' URLs. */
  readonly urls: readonly string[];
}
