/**
 * One measurement: wrk puts a load on a proxy for some seconds, and the proxy's CPU time is read before and after.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CLIENT_CPU, PIN, type Contender } from './contenders.ts';
import { cpuSeconds } from './process-cpu.ts';

export interface Load {
  readonly name: 'keep-alive' | 'connection' | 'bulk';
  readonly title: string;
  readonly unit: string;
  readonly wrkOptions: readonly string[];
  readonly path: string;
  /** CPU seconds per request are multiplied by this for the table. */
  readonly scale: number;
}

export interface Measurement {
  readonly user: number;
  readonly system: number;
  readonly perSecond: number;
  readonly errorCount: number;
}

/** 1,024 requests of 1 MiB are a GiB. */
export const loads: readonly Load[] = [
  { name: 'keep-alive', title: 'Keep-alive request', unit: 'µs each', wrkOptions: [], path: '/', scale: 1e6 },
  {
    name: 'connection',
    title: 'New connection with one request',
    unit: 'µs each',
    wrkOptions: ['-H', 'Connection: close'],
    path: '/',
    scale: 1e6,
  },
  { name: 'bulk', title: 'Bodies of 1 MiB', unit: 'CPU seconds per GiB', wrkOptions: [], path: '/mib', scale: 1_024 },
];

const CONNECTION_COUNT = 50;

const run = promisify(execFile);

export async function measure(contender: Contender, load: Load, seconds: number): Promise<Measurement> {
  const url = `http://127.0.0.1:${contender.port}${load.path}`;
  const wrk = ['-c', CLIENT_CPU, 'wrk', '-t1', `-c${CONNECTION_COUNT}`];
  await run(PIN, [...wrk, '-d1', ...load.wrkOptions, url]);
  const before = await cpuOf(contender.pid);
  const { stdout } = await run(PIN, [...wrk, `-d${seconds}`, ...load.wrkOptions, url]);
  const after = await cpuOf(contender.pid);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1) ?? [];
  const cost = (seconds: number) => (seconds * load.scale) / requests;
  return {
    user: cost(after.user - before.user),
    system: cost(after.system - before.system),
    perSecond: requests / seconds,
    errorCount: errors.reduce((sum, count) => sum + Number(count), Number(/Non-2xx.*: (\d+)/.exec(stdout)?.[1] ?? 0)),
  };
}

async function cpuOf(pid: number | null): Promise<{ user: number; system: number }> {
  return pid === null ? { user: 0, system: 0 } : cpuSeconds(pid);
}
