/**
 * Child processes that never outlive their parent, also one that was killed and could not say goodbye.
 *
 * Each has a guard, a small `sh` that reads a pipe which only the parent holds open: it wakes when the parent is gone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

const GUARD_SCRIPT = 'read -r _; kill "-$1" "$2"';

/** Sends the signal to the child once this process is gone. The guard ends with the child, before its process id has another owner. */
export function endWithThisProcess(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  const args = ['-c', GUARD_SCRIPT, 'guard', signal.slice('SIG'.length), `${child.pid}`];
  const guard = spawn('/bin/sh', args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.once('exit', () => guard.kill('SIGKILL'));
  guard.unref();
  (guard.stdin as Socket).unref();
}
