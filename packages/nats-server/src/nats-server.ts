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

export interface NatsServerOptions {
  readonly program: NatsServerProgram;
  /** Where its store, its config and its log are. It is not removed. */
  readonly folder: string;
  /** Default: one that was free a moment ago. Kept over restarts. */
  readonly port?: number;
  readonly host?: string;
  /** Further lines of its config file: accounts, authorization, tls, max_payload. */
  readonly configLines?: string;
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  /** Sends a signal and waits for the end; SIGKILL is what a fault test sends. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and store, and waits until it takes connections. */
  restart(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  pause(): void;
  resume(): void;
  /** What it has logged so far. */
  log(): string;
}

export interface NatsCluster extends AsyncDisposable {
  readonly servers: readonly NatsServer[];
  /** All clients' URLs. */
  readonly urls: readonly string[];
}
