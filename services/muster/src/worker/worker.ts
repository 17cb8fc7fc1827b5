/**
 * What a worker knows and does: the roster folded from the events it is told, the node's pending facts on top, and the
 * data plane that is shown the newest of both after each message.
 *
 * It never asks, and it never waits: between two messages it is all traffic.
 */
import {
  addPendingFact,
  decodeSnapshot,
  emptyRoster,
  foldBatch,
  rosterHash,
  settlePendingFact,
  type PendingFact,
  type PendingFacts,
  type RecordedEvent,
  type Roster,
} from '@muster/membership';
import type { WorkerMessage, WorkerReport } from '@muster/actors';
import { DataPlane, type DecisionQuery, type ExchangeRecord, type HttpSettings, type RefusalLine } from '@muster/proxy';
import {
  NodeTargetGuard,
  type CachingResolver,
  type OwnAddress,
  type ResolverSettings,
  type SocketHandle,
  type TargetPolicy,
} from '@muster/transport';
import type { Decision } from '@muster/selection';
import type { Log } from '../log/log.ts';
import { loggedResolver } from '../log/name-outages.ts';
import type { LineOutput } from '@muster/questions/text/line-output';
import { AccessLog } from './access-log.ts';
import { DecisionRecorder, type SendBatch } from './decision-recorder.ts';
import { RefusedTargets } from './refused-targets.ts';
import { WorkerListeners } from './worker-listeners.ts';
import type { WorkerStats } from '@muster/metrics';

export interface WorkerOptions {
  readonly node: string;
  /** 0 for the node's first worker. */
  readonly index: number;
  /** Open connections; with so many it accepts no more. */
  readonly maxConnections: number;
  /** Absolute: what the filters of listeners are relative to. */
  readonly configFolder: string;
  /** How host names are looked up. */
  readonly resolver: Partial<ResolverSettings>;
  /** By which the node knows requests that come back to it. */
  readonly loopMark: string;
  /** Which targets may be dialled. */
  readonly targets: TargetPolicy;
  /** Where requests are logged, and the lines of that on their way. */
  readonly accessLog: { readonly log: Log; readonly output: Pick<LineOutput, 'writtenCount' | 'droppedCount'> };
  readonly report: (report: WorkerReport) => void;
  /** Takes recorded decisions, while they are wanted. */
  readonly handOver: SendBatch;
}

type MessageOf<Kind extends WorkerMessage['kind']> = Extract<WorkerMessage, { kind: Kind }>;

export class Worker {
  readonly #node: string;
  readonly #report: WorkerOptions['report'];
  readonly #proxy: DataPlane;
  readonly #listeners: WorkerListeners;
  readonly #accessLog: AccessLog;
  readonly #resolver: CachingResolver;
  readonly #guard: NodeTargetGuard;
  readonly #refusedTargets: RefusedTargets;
  readonly #recorder: DecisionRecorder;
  readonly #accessLines: WorkerOptions['accessLog']['output'];
  /** Lines of the access log that were dropped, as far as that was told. */
  #toldDroppedCount = 0;
  readonly #pending: PendingFacts = new Map();
  #roster: Roster | null = null;

  constructor(options: WorkerOptions) {
    const { node, index, maxConnections, configFolder, accessLog, report, handOver } = options;
    this.#node = node;
    this.#report = report;
    this.#accessLog = new AccessLog(accessLog.log);
    this.#accessLines = accessLog.output;
    this.#recorder = new DecisionRecorder(handOver);
    this.#listeners = new WorkerListeners({ proxy: () => this.#proxy, configFolder, report });
    this.#resolver = loggedResolver(options.resolver, (level, fields, text) =>
      report({ kind: 'log', level, fields, text }),
    );
    this.#guard = new NodeTargetGuard(options.targets);
    this.#refusedTargets = new RefusedTargets(this.#guard, report);
    this.#proxy = new DataPlane({
      guard: this.#guard,
      loopMark: options.loopMark,
      resolver: this.#resolver,
      workerIndex: index,
      maxConnections,
      onSocketWanted: (listener) => this.#listeners.socketWanted(listener),
      filtersOf: (spec) => this.#listeners.filtersOf(spec),
      onRefusal: (line) => this.#logRefusal(line),
      onOutlier: (outlier) => this.#report({ kind: 'outlier', ...outlier }),
      onExchange: (exchange, settings) => this.#exchangeOver(exchange, settings),
      onRefusedHead: (refused, settings) => this.#accessLog.headRefused(refused, settings),
    });
  }

  /** `socket` comes with `listen` messages for a listener that is new or bound anew. */
  receive(message: Exclude<WorkerMessage, { kind: 'drain' }>, socket: SocketHandle | null): void {
    switch (message.kind) {
      case 'roster':
        return this.#startOver(message);
      case 'events':
        return this.#fold(message.events);
      case 'pending':
        return this.#changePending(message);
      case 'listen':
        return this.#listen(message.listener, socket);
      case 'unlisten':
        return this.#listeners.unlisten(message.id, message.drainTimeoutMs);
    }
  }

  /** To be called once a second: tells what was counted, and what was held back meanwhile. */
  secondIsOver(): void {
    this.#accessLog.secondIsOver();
    this.#tellDroppedLines();
    this.#refusedTargets.secondIsOver();
    const { writtenCount, droppedCount } = this.#accessLines;
    const accessLog = { written: writtenCount, dropped: droppedCount };
    const refusedTargets = this.#guard.refusedCount;
    const stats: WorkerStats = { ...this.#proxy.stats(), accessLog, names: this.#resolver.stats(), refusedTargets };
    this.#report({ kind: 'stats', stats });
  }

  /** What the node has bound itself: it is not dialled from now on. */
  setOwnAddresses(addresses: readonly OwnAddress[]): void {
    this.#guard.setOwn(addresses);
  }

  decisions(query: DecisionQuery): Decision[] {
    return this.#proxy.decisions(query);
  }

  /** Hands over every decision from now on for so long; 0 ends it. */
  recordDecisions(forMs: number): void {
    this.#recorder.record(forMs);
  }

  /** Stops accepting and resolves when the last connection is over, or was closed after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    this.#listeners.close();
    return this.#proxy.drain(timeoutMs);
  }

  #exchangeOver(exchange: ExchangeRecord, settings: HttpSettings): void {
    if (this.#recorder.isRecording) this.#recorder.decided(this.#newestDecision);
    this.#accessLog.exchangeOver(exchange, settings);
  }

  readonly #newestDecision = (): Decision => this.#proxy.newestDecision()!;

  #startOver({ snapshot, pending }: MessageOf<'roster'>): void {
    const decoded = decodeSnapshot(snapshot);
    // The parent encoded it a moment ago: a snapshot that does not decode is a defect, and ends this process.
    if (decoded.outcome === 'unreadable') throw new Error(`the roster from the control process: ${decoded.message}`);
    this.#roster = decoded.roster;
    const touched = new Set([...this.#pending.keys()].map(poolOfKey));
    this.#pending.clear();
    for (const fact of pending) touched.add(this.#add(fact));
    this.#show(touched);
    this.#reportFolded();
  }

  #fold(events: readonly RecordedEvent[]): void {
    this.#roster = foldBatch(this.#roster ?? emptyRoster(''), events).roster;
    this.#show();
    this.#reportFolded();
  }

  #changePending({ added, settled }: MessageOf<'pending'>): void {
    const touched = new Set<string>();
    for (const fact of settled) {
      settlePendingFact(this.#pending, fact);
      touched.add(fact.pool);
    }
    for (const fact of added) touched.add(this.#add(fact));
    this.#show(touched);
  }

  #add(fact: PendingFact): string {
    addPendingFact(this.#pending, fact);
    return fact.pool;
  }

  #show(pendingPools: Iterable<string> = []): void {
    if (this.#roster === null) return;
    this.#proxy.update({ roster: this.#roster, node: this.#node, pending: this.#pending }, pendingPools);
  }

  #reportFolded(): void {
    const { revision } = this.#roster!;
    this.#report({ kind: 'folded', revision, hash: rosterHash(this.#roster!) });
  }

  #listen(listener: MessageOf<'listen'>['listener'], socket: SocketHandle | null): void {
    const { id, spec } = listener;
    if (spec.filters !== undefined) {
      // Said before it is done: a module that never ends loading silences the worker.
      const text = `listener ${id}: its filters are loaded: ${spec.filters.join(', ')}`;
      this.#report({ kind: 'log', level: 'info', fields: { listener: id }, text });
    }
    this.#listeners.listen(listener, socket);
  }

  #tellDroppedLines(): void {
    const { droppedCount } = this.#accessLines;
    const count = droppedCount - this.#toldDroppedCount;
    if (count === 0) return;
    this.#toldDroppedCount = droppedCount;
    const text = `${count} lines of the access log were dropped: whoever reads them is too slow, or gone`;
    this.#report({ kind: 'log', level: 'warn', fields: { droppedCount: count }, text });
  }

  #logRefusal({ listener, pool, reason, suppressedCount }: RefusalLine): void {
    const more = suppressedCount > 0 ? `, and ${suppressedCount} more since the last line` : '';
    const text = `listener ${listener}: a connection was closed: ${REFUSAL_TEXT[reason](pool)}${more}`;
    this.#report({ kind: 'log', level: 'warn', fields: { listener, pool, reason, suppressedCount }, text });
  }
}

const REFUSAL_TEXT: Record<RefusalLine['reason'], (pool: string | null) => string> = {
  accept_failed: () => 'hardly a file handle is left, or accepting failed: raise the limit of open files (ulimit -n)',
  connection_limit: () => 'the worker is at its limit of connections',
  unknown_pool: (pool) => `there is no pool ${pool}`,
  empty_set: (pool) => `pool ${pool} has no eligible backend`,
  backends_full: (pool) => `every backend of pool ${pool} is at its limit of connections`,
  connect_failed: (pool) => `no backend of pool ${pool} could be reached`,
};

function poolOfKey(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
