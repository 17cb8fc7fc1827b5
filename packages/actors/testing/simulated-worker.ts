/** A worker for tests: it folds what it is sent, reports as a real one does, and can be stalled, wrong or dead. */
import { decodeSnapshot, emptyRoster, fold, rosterHash, type PendingFact, type Roster } from '@muster/membership';
import type { SharedSocket, WorkerEvents, WorkerMessage, WorkerProcess, WorkerReport } from '../src/ports.ts';

/** A worker as the control process sees one: it folds what it is sent and reports. */
export class SimulatedWorker implements WorkerProcess {
  readonly pid: number;
  readonly index: number;
  readonly received: (WorkerMessage & { readonly socket?: SharedSocket })[] = [];
  readonly pendingById = new Map<string, PendingFact>();
  roster: Roster = emptyRoster('demo');
  isAlive = true;
  /** While true it takes messages and acts on none. */
  isStalled = false;
  /** Told after each message that it acted on. */
  onActed: () => void = () => undefined;
  /** Reported instead of the true hash. */
  falseHash: string | null = null;
  readonly #events: WorkerEvents;
  readonly #stalled: WorkerMessage[] = [];

  constructor(pid: number, index: number, events: WorkerEvents) {
    this.pid = pid;
    this.index = index;
    this.#events = events;
    setImmediate(() => this.isAlive && events.onReport({ kind: 'started' }));
  }

  send(message: WorkerMessage, socket?: SharedSocket): Promise<void> {
    if (!this.isAlive) return Promise.reject(new Error('the worker is gone'));
    this.received.push(socket === undefined ? message : { ...message, socket });
    if (this.isStalled) this.#stalled.push(message);
    else setImmediate(() => this.#take(message));
    return Promise.resolve();
  }

  resume(): void {
    this.isStalled = false;
    for (const message of this.#stalled.splice(0)) setImmediate(() => this.#take(message));
  }

  report(report: WorkerReport): void {
    this.#events.onReport(report);
  }

  kill(): void {
    this.exit('killed by SIGKILL');
  }

  exit(reason: string): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    setImmediate(() => this.#events.onExit(reason));
  }

  ofKind<Kind extends WorkerMessage['kind']>(kind: Kind) {
    return this.received.filter((message) => message.kind === kind) as (Extract<WorkerMessage, { kind: Kind }> & {
      readonly socket?: SharedSocket;
    })[];
  }

  #take(message: WorkerMessage): void {
    if (!this.isAlive) return;
    this.#act(message);
    this.onActed();
  }

  #act(message: WorkerMessage): void {
    switch (message.kind) {
      case 'roster': {
        const decoded = decodeSnapshot(message.snapshot);
        if (decoded.outcome !== 'decoded') throw new Error(decoded.message);
        this.roster = decoded.roster;
        this.pendingById.clear();
        for (const fact of message.pending) this.pendingById.set(fact.id, fact);
        return this.#reportFolded();
      }
      case 'events':
        for (const event of message.events) this.roster = fold(this.roster, event).roster;
        return this.#reportFolded();
      case 'pending':
        for (const fact of message.added) this.pendingById.set(fact.id, fact);
        for (const fact of message.settled) this.pendingById.delete(fact.id);
        return;
      case 'listen':
        return this.#events.onReport({
          kind: 'listening',
          listener: message.listener.id,
          revision: message.listener.revision,
        });
      case 'unlisten':
        return this.#events.onReport({ kind: 'unlistened', listener: message.id });
      case 'drain':
        return this.exit('exit code 0');
    }
  }

  #reportFolded(): void {
    const hash = this.falseHash ?? rosterHash(this.roster);
    this.#events.onReport({ kind: 'folded', revision: this.roster.revision, hash });
  }
}
