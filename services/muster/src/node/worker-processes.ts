/**
 * The control process's side of its workers: starts the processes, sends them messages and sockets, tells how they ended.
 *
 * A process takes a third of a second to load its code. The first ones are therefore forked before the node knows what
 * to do with them; what they say until then is kept, which is that they have started, or have failed to.
 */
import { randomBytes } from 'node:crypto';
import { fork, type ChildProcess, type StdioOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SpawnWorker, WorkerEvents, WorkerProcess, WorkerReport } from '@muster/actors';
import { messageOf } from '@muster/membership';
import type { OwnAddress, ResolverSettings, SocketHandle, TargetPolicy } from '@muster/transport';
import type { LogFormat, LogLevel } from '../log/log.ts';
import {
  type AskDecisions,
  type AskedWorker,
  DecisionQuestions,
  DecisionRecording,
  type DecisionReport,
  type RecordingWorker,
  type WorkerOrder,
} from '@muster/questions';
import { workerEnvironment } from './launcher.ts';

const WORKER_MAIN = fileURLToPath(new URL('../worker/worker-main.ts', import.meta.url));

export interface WorkerProcessesOptions {
  readonly node: string;
  /** Open connections of one worker. */
  readonly maxConnections: number;
  /** Absolute: what the filters of listeners are relative to. */
  readonly configFolder: string;
  /** How host names are looked up. */
  readonly resolver: Partial<ResolverSettings>;
  /** Which targets may be dialled. */
  readonly targets: TargetPolicy;
  /** Of the access log, which the workers write themselves. */
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export class WorkerProcesses {
  readonly #options: WorkerProcessesOptions;
  readonly #aheadByIndex = new Map<number, ForkedWorker>();
  readonly #live = new Set<ForkedWorker>();
  /** Made anew by each node: no other has it, and nobody can foresee it. */
  readonly #loopMark = randomBytes(12).toString('hex');
  readonly #questions = new DecisionQuestions();
  #ownAddresses: readonly OwnAddress[] = [];
  /** Of the decisions of every worker that lives. */
  readonly recording = new DecisionRecording({ workers: this.#live });

  constructor(options: WorkerProcessesOptions) {
    this.#options = options;
  }

  /** Starts the workers with the indexes below `count`, for `spawn` to hand out. */
  forkAhead(count: number): void {
    for (let index = 0; index < count; index++) this.#aheadByIndex.set(index, this.#fork(index));
  }

  /** The one that was forked ahead, if it still waits; else a new one. */
  readonly spawn: SpawnWorker = (index, events) => {
    const forked = this.#aheadByIndex.get(index) ?? this.#fork(index);
    this.#aheadByIndex.delete(index);
    return forked.adopt(events);
  };

  /** Tells every worker, those that start later too, what the node has bound itself. They know it before they get a socket. */
  setOwnAddresses(addresses: readonly OwnAddress[]): void {
    this.#ownAddresses = addresses;
    for (const worker of this.#live) worker.tell({ kind: 'own-addresses', addresses });
  }

  /** Asks every worker that lives. */
  readonly decisions: AskDecisions = (query) => this.#questions.ask(this.#live, query);

  /** Ends those that nobody asked for. */
  close(): void {
    for (const forked of this.#aheadByIndex.values()) forked.kill();
    this.#aheadByIndex.clear();
  }

  #fork(index: number): ForkedWorker {
    const { node, maxConnections, configFolder, resolver, targets, logLevel, logFormat } = this.#options;
    const limits = ['--max-connections', `${maxConnections}`, '--config-folder', configFolder];
    const names = [
      '--loop-mark',
      this.#loopMark,
      '--resolver',
      JSON.stringify(resolver),
      '--targets',
      JSON.stringify(targets),
    ];
    const args = [
      '--node',
      node,
      '--index',
      `${index}`,
      ...limits,
      ...names,
      '--log-level',
      logLevel,
      '--log-format',
      logFormat,
    ];
    const stdio: StdioOptions = ['ignore', 'inherit', 'inherit', 'ipc'];
    // Without the option, SIGUSR1 would open an inspector until the worker has code of its own for it.
    const child = fork(WORKER_MAIN, args, { stdio, env: workerEnvironment(), execArgv: ['--disable-sigusr1'] });
    const worker = new ForkedWorker(index, child, { questions: this.#questions, recording: this.recording });
    this.#live.add(worker);
    worker.tell({ kind: 'own-addresses', addresses: this.#ownAddresses });
    child.once('exit', () => this.#live.delete(worker));
    return worker;
  }
}

/**
 * A worker tells its counters once a second. One that has said nothing for so many looks in a row holds its connections and serves
 * none of them: it is killed, and another is started. Looks are counted and not time, because a machine that slept has been silent too.
 */
const LOOK_INTERVAL_MS = 5_000;
const SILENT_LOOKS_MAX = 6;
/** Its start may take longer: on a busy machine code is slow to load. */
const SILENT_START_LOOKS_MAX = 24;

interface DecisionParts {
  readonly questions: DecisionQuestions;
  readonly recording: DecisionRecording;
}

class ForkedWorker implements WorkerProcess, AskedWorker, RecordingWorker {
  readonly index: number;
  readonly #child: ChildProcess;
  readonly #decisions: DecisionParts;
  /** What it said before it had an owner: a report or two, since it waits to be told something. */
  readonly #unheard: ((events: WorkerEvents) => void)[] = [];
  #events: WorkerEvents | null = null;
  #hasEnded = false;
  readonly #looking: NodeJS.Timeout;
  #silentLooksMax = SILENT_START_LOOKS_MAX;
  #silentLooksCount = 0;

  constructor(index: number, child: ChildProcess, decisions: DecisionParts) {
    this.index = index;
    this.#child = child;
    this.#decisions = decisions;
    this.#looking = setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref();
    child.on('message', (message) => this.#heard(message as WorkerReport | DecisionReport));
    // A worker that cannot be started has no id. Any other error, of a signal that could not be sent, is no end of it.
    child.on('error', (error) => {
      if (child.pid === undefined) this.#end(`could not be started: ${messageOf(error)}`);
    });
    child.once('exit', (code, signal) => this.#end(this.#endText(code, signal)));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** From the next turn on, everything is told to `events`. */
  adopt(events: WorkerEvents): this {
    queueMicrotask(() => {
      this.#events = events;
      for (const tell of this.#unheard.splice(0)) tell(events);
    });
    return this;
  }

  send(...[message, socket]: Parameters<WorkerProcess['send']>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#child.send(message, socket?.handle as SendableHandle, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  /** A worker that cannot be told any more is about to end, which ends the wait for it. */
  tell(order: WorkerOrder): void {
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #look(): void {
    this.#silentLooksCount += 1;
    if (this.#silentLooksCount === this.#silentLooksMax) this.kill();
  }

  #endText(code: number | null, signal: NodeJS.Signals | null): string {
    if (signal === null) return `exit code ${code}`;
    if (this.#silentLooksCount < this.#silentLooksMax) return `killed by ${signal}`;
    const seconds = (this.#silentLooksMax * LOOK_INTERVAL_MS) / 1_000;
    return `killed, because it stood still for ${seconds} s; a filter that loops for ever does that`;
  }

  #heard(message: WorkerReport | DecisionReport): void {
    const { questions, recording } = this.#decisions;
    this.#silentLooksCount = 0;
    this.#silentLooksMax = SILENT_LOOKS_MAX;
    if (message.kind === 'decisions-found') return questions.answered(this, message);
    if (message.kind === 'decisions-recorded') return recording.recorded(this, message);
    if (message.kind === 'started') recording.started(this);
    this.#report(({ onReport }) => onReport(message));
  }

  #end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#looking);
    this.#decisions.questions.gone(this);
    this.#report(({ onExit }) => onExit(reason));
  }

  #report(tell: (events: WorkerEvents) => void): void {
    if (this.#events === null) this.#unheard.push(tell);
    else tell(this.#events);
  }
}

/** Node sends a bound handle as it does a server; its types do not know that. */
type SendableHandle = Parameters<ChildProcess['send']>[1] & SocketHandle;
