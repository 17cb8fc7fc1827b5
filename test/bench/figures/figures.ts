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

/** Each round's cost in relation to that of `baseline` in the same round. Throws where there are more rounds than that has. */
export function ratiosByRound(costs: readonly number[], baseline: readonly number[]): number[] {
  return costs.map((cost, round) => {
    const reference = baseline[round];
    if (reference === undefined) throw new Error(`Round ${round + 1} has nothing to compare with.`);
    return cost / reference;
  });
}

/** Of each round the smallest cost that any row has in it: the best of a group, whoever that was. Empty without a row. */
export function cheapestByRound(rows: readonly (readonly number[])[]): number[] {
  const [first = []] = rows;
  return first.map((_cost, round) => Math.min(...rows.map((costs) => costs[round] ?? Infinity)));
}

/** The slope of the line that fits the points best (least squares). Throws where they have no two different `x`. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  if (!(spread > 0)) throw new Error('A slope needs two points with a different x.');
  return points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The median and the two ends, for example `1.12x (1.05 to 1.20)`. */
export function ratioText(ratios: readonly number[]): string {
  return `${median(ratios).toFixed(2)}x (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
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
