/**
 * One measurement: wrk puts a load on a proxy for some seconds, and the proxy's CPU time is read before and after.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CLIENT_CPU, PIN, type Contender } from '../contenders/contenders.ts';
import { errorCountIn, type Measurement } from '../figures/measurement.ts';
import { cpuSeconds } from '../figures/process-cpu.ts';

export interface Load {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly wrkOptions: readonly string[];
  readonly path: string;
  /** CPU seconds per request are multiplied by this for the table. */
  readonly scale: number;
}

const CONNECTION_COUNT = 50;

const run = promisify(execFile);

/** Puts the load on a contender for some seconds (1 by default) without measuring it: for code that is not compiled yet. */
export async function warmUp(contender: Contender, load: Load, seconds = 1): Promise<void> {
  await applyLoad(contender, load, seconds);
}

export async function measure(contender: Contender, load: Load, seconds: number): Promise<Measurement> {
  const before = await cpuOf(contender.pid);
  const stdout = await applyLoad(contender, load, seconds);
  const after = await cpuOf(contender.pid);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  const cost = (cpu: number) => (cpu * load.scale) / requests;
  return {
    user: cost(after.user - before.user),
    system: cost(after.system - before.system),
    perSecond: requests / seconds,
    errorCount: requests === 0 ? 1 : errorCountIn(stdout),
  };
}

async function applyLoad({ port }: Contender, load: Load, seconds: number): Promise<string> {
  const wrk = ['-c', CLIENT_CPU, 'wrk', '-t1', `-c${CONNECTION_COUNT}`, `-d${seconds}`];
  const { stdout } = await run(PIN, [...wrk, ...load.wrkOptions, `http://127.0.0.1:${port}${load.path}`]);
  return stdout;
}

async function cpuOf(pid: number | null): Promise<{ user: number; system: number }> {
  return pid === null ? { user: 0, system: 0 } : cpuSeconds(pid);
}
