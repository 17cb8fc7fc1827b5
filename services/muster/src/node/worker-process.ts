/**
 * The control process's side of a worker: starts the process, sends it messages and sockets, tells how it ended.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SharedSocket, SpawnWorker, WorkerReport } from '@muster/actors';
import type { SocketHandle } from '@muster/proxy';
import { handleOf } from './listening-socket.ts';

const WORKER_MAIN = fileURLToPath(new URL('../worker/worker-main.ts', import.meta.url));

export interface WorkerProcessOptions {
  readonly node: string;
  readonly maxConnections: number;
}

export function workerSpawner({ node, maxConnections }: WorkerProcessOptions): SpawnWorker {
  return (index, { onReport, onExit }) => {
    const args = ['--node', node, '--index', `${index}`, '--max-connections', `${maxConnections}`];
    const child = fork(WORKER_MAIN, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let hasEnded = false;
    const end = (reason: string) => {
      if (!hasEnded) onExit(reason);
      hasEnded = true;
    };
    child.on('message', (report) => onReport(report as WorkerReport));
    child.once('error', (error) => end(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `killed by ${signal}`));
    return {
      pid: child.pid ?? 0,
      send: (message, socket?: SharedSocket) =>
        new Promise((resolve, reject) => {
          const handle = socket === undefined ? undefined : handleOf(socket);
          child.send(message, handle as SendableHandle, (error) => (error === null ? resolve() : reject(error)));
        }),
      kill: () => void child.kill('SIGKILL'),
    };
  };
}

/** Node sends a bound handle as it does a server; its types do not know that. */
type SendableHandle = Parameters<ReturnType<typeof fork>['send']>[1] & SocketHandle;
