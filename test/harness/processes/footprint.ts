/** What a process holds, from /proc: for tests that nothing leaks. */
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4_096;

export interface Footprint {
  readonly residentBytes: number;
  readonly descriptorsCount: number;
}

export function footprint(pid: number): Footprint {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return { residentBytes: pages * PAGE_BYTES, descriptorsCount: readdirSync(`/proc/${pid}/fd`).length };
}
