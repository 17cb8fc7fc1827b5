/**
 * The listeners of one worker: opens each on the socket that it was handed, once the filters that it names are loaded.
 *
 *     listen ──► load filters ──ok──► open, or update what is open ──► `listening`
 *                   │   ▲
 *                   └───┘ failed: `listen-failed`, and again after 500 ms to 5 s, for ever
 *
 * A listener never serves without a filter that it names, since that may be what keeps strangers out. So one that is new waits, its
 * connections in the kernel's queue; one that is defined anew goes on as it was defined before, and says so. Where no filters are
 * named nothing waits: a changed spec holds from the same turn on.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ListenerSpec } from '@muster/membership';
import type { ListenerDefinition, WorkerReport } from '@muster/actors';
import {
  loadFilters,
  type DataPlane,
  type FilterChain,
  type LoggingFailure,
  type OpenListenerOutcome,
} from '@muster/proxy';
import type { SocketHandle } from '@muster/transport';

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 5_000;

export interface WorkerListenersOptions {
  readonly proxy: () => Pick<DataPlane, 'openListener' | 'updateListener' | 'closeListener' | 'resumeListener'>;
  /** Absolute: what filters are relative to. */
  readonly configFolder: string;
  readonly report: (report: WorkerReport) => void;
  /** Default: 500 ms. */
  readonly retryMinMs?: number;
}

interface Wanted {
  readonly id: string;
  spec: ListenerSpec;
  /** Of the event that defined it so. */
  revision: number;
  /** Null once it was opened with it. */
  socket: SocketHandle | null;
  /** Counts definitions: what was begun for an earlier one is of no interest. */
  version: number;
  failuresCount: number;
  /** As it was told; null: nothing is wrong. */
  reason: string | null;
  timer: NodeJS.Timeout | undefined;
}

export class WorkerListeners {
  readonly #options: WorkerListenersOptions;
  readonly #wantedById = new Map<string, Wanted>();
  readonly #filtersBySpec = new WeakMap<ListenerSpec, FilterChain>();

  constructor(options: WorkerListenersOptions) {
    this.#options = options;
  }

  /** For the data plane: null where they are not loaded. */
  filtersOf(spec: ListenerSpec): FilterChain | null {
    return this.#filtersBySpec.get(spec) ?? null;
  }

  /** `socket`: of a listener that is new or bound anew; null: another spec for one that there is. */
  listen({ id, spec, revision }: ListenerDefinition, socket: SocketHandle | null): void {
    const known = this.#wantedById.get(id);
    if (known === undefined && socket === null) return;
    if (known !== undefined && socket !== null) this.#returned(known, socket);
    // In another history the same revision is another event.
    if (known?.revision === revision && isDeepStrictEqual(known.spec, spec)) return;
    const wanted = known ?? {
      id,
      spec,
      revision,
      socket,
      version: 0,
      failuresCount: 0,
      reason: null,
      timer: undefined,
    };
    this.#wantedById.set(id, wanted);
    clearTimeout(wanted.timer);
    wanted.spec = spec;
    wanted.revision = revision;
    wanted.reason = null;
    wanted.version++;
    wanted.failuresCount = 0;
    if (spec.filters === undefined) void this.#serve(wanted);
    else void this.#load(wanted, spec.filters);
  }

  unlisten(id: string, drainTimeoutMs: number): void {
    const wanted = this.#wantedById.get(id);
    if (wanted !== undefined) this.#forget(wanted);
    const report = () => this.#options.report({ kind: 'unlistened', listener: id });
    this.#options.proxy().closeListener(id, drainTimeoutMs, report);
  }

  /** The data plane was full, had closed this listener's socket, and has room again. */
  socketWanted(id: string): void {
    if (this.#wantedById.has(id)) this.#options.report({ kind: 'socket-wanted', listener: id });
  }

  /** The socket of a listener that is open, once more. */
  #returned(wanted: Wanted, socket: SocketHandle): void {
    if (wanted.socket === null) this.#options.proxy().resumeListener(wanted.id, socket);
    else (socket as { close(): void }).close();
  }

  /** Opens nothing any more. */
  close(): void {
    for (const wanted of this.#wantedById.values()) this.#forget(wanted);
  }

  async #load(wanted: Wanted, paths: readonly string[]): Promise<void> {
    const { id, spec, version } = wanted;
    const onLoggingFailure = (failure: LoggingFailure) => this.#logFailure(id, failure);
    const outcome = await loadFilters(paths, { folder: this.#options.configFolder, onLoggingFailure });
    if (wanted.version !== version) return;
    if (outcome.ok) {
      this.#filtersBySpec.set(spec, outcome.filters);
      return this.#serve(wanted);
    }
    const kept = wanted.socket === null ? '; it goes on as it was defined before' : '';
    this.#failed(wanted, `${outcome.reason}${kept}`);
    const delayMs = Math.min(RETRY_MAX_MS, (this.#options.retryMinMs ?? RETRY_MIN_MS) * 2 ** wanted.failuresCount);
    wanted.failuresCount++;
    wanted.timer = setTimeout(() => void this.#load(wanted, paths), delayMs);
  }

  async #serve(wanted: Wanted): Promise<void> {
    const { id, spec, socket } = wanted;
    const proxy = this.#options.proxy();
    if (socket === null) {
      proxy.updateListener(id, spec);
      return this.#serves(wanted);
    }
    wanted.socket = null;
    const outcome = await proxy.openListener(id, spec, socket);
    if (outcome.ok) return this.#serves(wanted);
    this.#wantedById.delete(id);
    this.#failed(wanted, listenFailureText(spec.bind, outcome), true);
  }

  #serves(wanted: Wanted): void {
    wanted.reason = null;
    this.#options.report({ kind: 'listening', listener: wanted.id, revision: wanted.revision });
  }

  /** The same reason is told once, however often it is tried again. */
  #failed(wanted: Wanted, reason: string, isSocketLost = false): void {
    if (wanted.reason === reason) return;
    wanted.reason = reason;
    this.#options.report({
      kind: 'listen-failed',
      listener: wanted.id,
      revision: wanted.revision,
      reason,
      isSocketLost,
    });
  }

  #forget(wanted: Wanted): void {
    clearTimeout(wanted.timer);
    wanted.version++;
    this.#wantedById.delete(wanted.id);
    // This process's hold on the address; the control process keeps its own.
    if (wanted.socket !== null) (wanted.socket as { close(): void }).close();
    wanted.socket = null;
  }

  #logFailure(listener: string, { path, message, suppressedCount }: LoggingFailure): void {
    const more = suppressedCount > 0 ? `, and ${suppressedCount} more since the last line` : '';
    const text = `listener ${listener}: filter ${path}: logging failed: ${message}${more}`;
    this.#options.report({ kind: 'log', level: 'warn', fields: { listener, filter: path, suppressedCount }, text });
  }
}

function listenFailureText(bind: string, outcome: Extract<OpenListenerOutcome, { ok: false }>): string {
  if (outcome.reason === 'already_open') return 'a listener of that name is open';
  if (outcome.code === 'EADDRINUSE')
    return `${bind} is taken by another program; stop that one, or choose another address`;
  return `${bind} cannot be listened on: ${outcome.code}`;
}
