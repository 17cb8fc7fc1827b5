/**
 * The CPU time that a process has used, from `/proc/PID/stat`: all its threads, none of its children.
 */
import { readFile } from 'node:fs/promises';

/** The kernel's clock ticks per second, which /proc counts CPU time in. */
const TICKS_PER_SECOND = 100;

/** In seconds, to 10 ms. Rejects where there is no such process. */
export async function cpuSeconds(pid: number): Promise<{ readonly user: number; readonly system: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[11]) / TICKS_PER_SECOND, system: Number(fields[12]) / TICKS_PER_SECOND };
}

/** The same of each child, by process id. */
export async function childrenCpuSeconds(pid: number): Promise<Awaited<ReturnType<typeof cpuSeconds>>[]> {
  const pids = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter((text) => text !== '');
  return Promise.all(pids.map((child) => cpuSeconds(Number(child))));
}
