/**
 * The program that `muster agent` runs: a child process on the agent's own stdin, stdout and stderr, without a shell.
 *
 * It stays in the agent's process group, so that a terminal's Ctrl-C reaches it as it would without the agent. An agent that is
 * killed with SIGKILL leaves it running; the nodes then take the member out when its lease is over.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, parseTarget } from '@muster/membership';
import { programEnvironment } from '../node/launcher.ts';

/** As shells say it: found but not runnable, and not found. */
const EXIT_NOT_RUNNABLE = 126;
const EXIT_NOT_FOUND = 127;
const EXIT_SIGNAL_BASE = 128;

export interface AgentProgram {
  /** Resolves when it has ended, to its exit code; 128 + n for signal n, 126 and 127 where it could not be started. Never rejects. */
  readonly ended: Promise<number>;
  /** Why it could not be started; null where it was. */
  failure(): string | null;
  kill(signal: NodeJS.Signals): void;
}

export function startProgram([file = '', ...args]: readonly string[]): AgentProgram {
  let failure: string | null = null;
  const child = spawn(file, args, { stdio: 'inherit', env: programEnvironment() });
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  child.once('exit', (code, signal) => resolve(code ?? EXIT_SIGNAL_BASE + constants.signals[signal!]));
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (child.pid !== undefined) return;
    failure = error.code === 'ENOENT' ? `there is no program "${file}"` : `cannot run "${file}": ${messageOf(error)}`;
    resolve(error.code === 'ENOENT' ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE);
  });
  return { ended, failure: () => failure, kill: (signal) => child.kill(signal) };
}

/** From one attempt to connect to the next, and how long one may take. */
const CONNECT_INTERVAL_MS = 100;
const CONNECT_TIMEOUT_MS = 1_000;

/** Resolves to true once something takes a connection at the target, to false when the signal says stop. */
export async function untilAnswers(target: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (await answers(target, signal)) return true;
    await sleep(CONNECT_INTERVAL_MS);
  }
  return false;
}

async function answers(target: string, signal: AbortSignal): Promise<boolean> {
  const address = parseTarget(target);
  if (address === null) return false;
  const socket = connect(address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]) });
    return true;
  } catch {
    // Refused, unreachable or too slow: all of them mean "not yet".
    return false;
  } finally {
    socket.on('error', () => socket.destroy());
    socket.destroy();
  }
}
