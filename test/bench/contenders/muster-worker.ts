/**
 * The worker process that ships (`worker-main.ts`, statistics and all), with this process as its control process: it is
 * given a roster of one pool with one backend, and a listening socket. Nothing is set that has a default: an HTTP listener
 * logs `errors`.
 *
 * Another check-out's worker can be started the same way, so that a change is measured against what was before it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerMessage, WorkerReport } from '@muster/actors';
import { emptyRoster, encodeSnapshot, fold, type ListenerSpec, type MembershipEventInput } from '@muster/membership';
import { bindSharedSocket } from '@muster/transport';

const THIS_CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url));
const TARGETS = JSON.stringify({ allow: [], only: null, deny: [], isNearGuarded: false });
const MAX_CONNECTIONS = 16_384;
const IDLE_TIMEOUT_MS = 3_600_000;
/** Longer than any benchmark. */
const RECORDING_MS = 3_600_000;

export interface MusterWorkerOptions {
  /** A command that replaces itself by the one that follows it, for example `taskset -c 0`. Default: none. */
  readonly runner?: readonly [command: string, ...options: string[]];
  /** What its listener speaks. */
  readonly protocol: ListenerSpec['protocol'];
  readonly port: number;
  readonly backendPort: number;
  /** The project's folder whose worker is started; default: this one. */
  readonly checkout?: string;
  /** Options for Node, for example `--max-semi-space-size=4`. */
  readonly nodeOptions?: readonly string[];
  /** Whether it hands its decisions over, which are then thrown away. Default: false. */
  readonly isRecording?: boolean;
}

/** Resolves when it listens; the caller ends it. Rejects where it does not come so far, and then it is ended. */
export async function startMusterWorker(options: MusterWorkerOptions): Promise<ChildProcess> {
  const { protocol, port, backendPort } = options;
  const bound = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port });
  if (!bound.ok) throw new Error(`Port ${port} could not be bound: ${bound.code}`);
  const { child, send } = forkWorker({ index: 0, ...options });
  try {
    await reported(child, 'started');
    await send({ kind: 'roster', snapshot: snapshotOf(backendPort), pending: [] });
    const bind = `127.0.0.1:${port}`;
    const spec: ListenerSpec = { bind, protocol, pool: 'spells', idleTimeoutMs: IDLE_TIMEOUT_MS };
    await send({ kind: 'listen', listener: { id: 'web', spec, revision: 1 } }, bound.socket.handle);
    await reported(child, 'listening');
    if (options.isRecording === true) await send({ kind: 'record-decisions', forMs: RECORDING_MS });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    bound.socket.close();
  }
  return child;
}

/** The order that makes a worker hand its decisions over. */
interface RecordDecisions {
  readonly kind: 'record-decisions';
  readonly forMs: number;
}

export interface ForkedWorker {
  readonly child: ChildProcess;
  /** Resolves when the message was handed to the operating system. */
  send(message: WorkerMessage | RecordDecisions, handle?: object): Promise<void>;
}

/** A worker process that has been told nothing yet. */
export function forkWorker({
  index,
  runner,
  checkout = THIS_CHECKOUT,
  nodeOptions = [],
}: { readonly index: number } & Partial<MusterWorkerOptions>): ForkedWorker {
  const main = resolve(checkout, 'services/muster/src/worker/worker-main.ts');
  const args = [
    '--node',
    'bench',
    '--index',
    `${index}`,
    '--max-connections',
    `${MAX_CONNECTIONS}`,
    '--targets',
    TARGETS,
    '--loop-mark',
    'bench',
  ];
  const [execPath, ...execArgv]: [string, ...string[]] =
    runner === undefined ? [process.execPath, ...nodeOptions] : [...runner, process.execPath, ...nodeOptions];
  const env = { ...process.env, NODE_ENV: 'production' };
  // It logs every request that the load generator cuts off at its end; what fails before is counted there.
  const child = fork(main, args, { execPath, execArgv, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const send = (message: WorkerMessage | RecordDecisions, handle?: object) =>
    new Promise<void>((resolveSent, reject) => {
      child.send(message, handle as SendableHandle, (error) => (error === null ? resolveSent() : reject(error)));
    });
  return { child, send };
}

type SendableHandle = Parameters<ChildProcess['send']>[1] & object;

/** Rejects where the worker says that it cannot, or ends. */
async function reported(child: ChildProcess, kind: WorkerReport['kind']): Promise<void> {
  const ended = new AbortController();
  const onExit = () => ended.abort(new Error(`The worker ended before it reported "${kind}".`));
  child.once('exit', onExit);
  try {
    for (;;) {
      const [report] = (await once(child, 'message', { signal: ended.signal })) as [WorkerReport];
      if (report.kind === kind) return;
      if (report.kind === 'listen-failed') throw new Error(report.reason);
    }
  } catch (error) {
    throw ended.signal.aborted ? ended.signal.reason : error;
  } finally {
    child.off('exit', onExit);
  }
}

function snapshotOf(backendPort: number): string {
  const events: readonly [string, MembershipEventInput][] = [
    ['muster.bench.pool.spells', { type: 'PoolDefined' }],
    ['muster.bench.backend.spells.spells-1', { type: 'BackendRegistered', target: `127.0.0.1:${backendPort}` }],
  ];
  let roster = emptyRoster('bench');
  for (const [index, [subject, event]] of events.entries()) {
    const recorded = { revision: index + 1, timeMs: Date.now(), id: `bench-${index}`, origin: null, subject };
    roster = fold(roster, { ...recorded, payload: JSON.stringify(event) }).roster;
  }
  return encodeSnapshot(roster);
}
