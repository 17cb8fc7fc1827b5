/**
 * Real processes for tests: started, listened to, and surely gone at the end of the test that started them.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface TestProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything it has written so far, stdout and stderr in the order of arrival. */
  output(): string;
  /** Sends a signal and waits for the end; gives the exit code, null when a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  exited(): Promise<number | null>;
}

export interface StartOptions {
  readonly cwd?: string;
  /** Put in front of the command, for example `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
  readonly env?: Record<string, string>;
  /** Where its stdout goes: a descriptor, or a socket that nobody reads from. Default: into `output`. */
  readonly stdout?: number | 'unread';
}

/** Runs a file on the Node that runs the tests. It is killed when the test is over, if it still lives. */
export function startProcess(file: string, args: readonly string[], options: StartOptions = {}): TestProcess {
  const { cwd, env, prefix = [], stdout = 'pipe' } = options;
  const [command, ...commandArgs] = [...prefix, process.execPath, file, ...args];
  const child = spawn(command!, commandArgs, {
    stdio: ['ignore', stdout === 'unread' ? 'pipe' : stdout, 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
    ...(cwd !== undefined && { cwd }),
  });
  let output = '';
  const keep = (text: string) => (output += text);
  if (stdout === 'pipe') child.stdout!.setEncoding('utf8').on('data', keep);
  child.stderr!.setEncoding('utf8').on('data', keep);
  // With a stdout that nobody reads there is no 'close'.
  const exited = once(child, stdout === 'unread' ? 'exit' : 'close').then(([code]) => code as number | null);
  const end = (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  return {
    child,
    pid: child.pid!,
    output: () => output,
    end,
    exited: () => exited,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      // What it has started may live on with its pipes, and then they would never close.
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  };
}

export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/** Runs to the end. */
export async function runProcess(file: string, args: readonly string[], options?: StartOptions): Promise<Finished> {
  await using started = startProcess(file, args, options);
  return { code: await started.exited(), output: started.output() };
}

const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 100;

/**
 * Waits until `probe` gives something other than null, false or undefined. It asks again after 10 ms, and later after a tenth of
 * what it has waited, at most 100 ms: a node that is asked for its status all the time has no time for what is waited for.
 * Throws after `timeoutMs` (default 45 s: a busy machine starts a node in 20) with `what` and the last error: a test that waits for the impossible says so.
 */
export async function eventually<Value>(
  what: string,
  probe: () => Promise<Value> | Value,
  timeoutMs = 45_000,
): Promise<Exclude<Awaited<Value>, null | false | undefined>> {
  const beganMs = performance.now();
  let waitedMs = 0;
  let lastError: unknown = null;
  while (waitedMs < timeoutMs) {
    try {
      const value = await probe();
      if (value !== null && value !== false && value !== undefined) {
        return value as Exclude<Awaited<Value>, null | false | undefined>;
      }
    } catch (error) {
      lastError = error;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(Math.max(waitedMs / 10, PAUSE_MIN_MS), PAUSE_MAX_MS)));
    waitedMs = performance.now() - beganMs;
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: lastError });
}

/** True while a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
