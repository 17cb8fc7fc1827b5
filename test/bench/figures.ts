/**
 * Figures from samples, and how they are printed. Every benchmark says its spread with the same words.
 */
import { cpus, loadavg, release } from 'node:os';

/** The middle value, or the mean of the two in the middle. Throws without a sample. */
export function median(samples: readonly number[]): number {
  return (percentile(samples, 50 - 1e-9) + percentile(samples, 50 + 1e-9)) / 2;
}

/** The smallest sample that at least `percent` (0 < p ≤ 100) of the samples do not exceed. Throws without a sample. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.ceil((sorted.length * percent) / 100) - 1];
  if (value === undefined) throw new Error('There is no sample to make a figure of.');
  return value;
}

/** For example `p50 0.84 ms, p99 2.10 ms, max 3.02 ms (500 samples)`. */
export function spreadText(samplesMs: readonly number[]): string {
  const parts = [50, 99].map((percent) => `p${percent} ${percentile(samplesMs, percent).toFixed(2)} ms`);
  return `${parts.join(', ')}, max ${Math.max(...samplesMs).toFixed(2)} ms (${samplesMs.length} samples)`;
}

/** What a figure holds for: processor, cores, kernel, Node. */
export function machineText(): string {
  const { model } = cpus()[0]!;
  return `${model}, ${cpus().length} cores, Linux ${release()}, Node ${process.versions.node}`;
}

/** What else runs on the machine, for example `load average of the last minute 0.3`. */
export function loadText(): string {
  return `load average of the last minute ${loadavg()[0]!.toFixed(1)}`;
}
