/** Spells backends as processes of a demo. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { writeError } from '@muster/questions/text';
import { HOST } from './demo-ports.ts';
import { fail } from './fail.ts';

const SPELLS_MAIN = fileURLToPath(import.meta.resolve('@muster/spells/main'));

/**
 * Resolves once it listens. What it has to complain about goes to the terminal behind its name. It is in a process group of its own, so that the terminal's Ctrl-C leaves it running until the nodes have
 * drained, and ends by itself when this process is gone.
 */
export async function startSpells(name: string, port: number, further: readonly string[] = []): Promise<ChildProcess> {
  const args = ['--name', name, '--host', HOST, '--port', `${port}`, ...further];
  const child = fork(SPELLS_MAIN, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  createInterface(child.stderr!).on('line', (line) => writeError(`${name}  ${line}`));
  const early = once(child, 'exit').then(() => false);
  const hasStarted = await Promise.race([once(child.stdout!, 'data').then(() => true), early]);
  if (!hasStarted) fail(`${name} did not start`);
  // What it says further is read away, so that it never waits for somebody who reads.
  child.stdout!.resume();
  return child;
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
