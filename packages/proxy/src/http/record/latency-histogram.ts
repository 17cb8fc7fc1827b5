/**
 * How long things took, counted in fixed buckets: two typed arrays' worth of memory for any number of requests.
 *
 * The bounds are log-linear, five to a decade from 0.1 ms to 100 s, and round, so that "how many took at most 100 ms" has an
 * exact answer. A value is at most 2 times the lower bound of its bucket. Counting one costs about 10 ns and allocates nothing.
 *
 * It keeps no percentiles: whoever reads the counts makes them, over as many workers and as much time as are wanted.
 */

const STEPS = [1, 2, 3, 5, 7];
const MICROSECONDS_MAX = 100_000_000;

/** The upper bounds of the buckets, in whole microseconds, ascending: 100, 200, 300, 500, 700, 1,000, … 100,000,000. */
const BOUNDS_US = boundsUs();

/** The same in milliseconds. What is larger than the last one is in a bucket of its own. */
export const LATENCY_BOUNDS_MS: readonly number[] = BOUNDS_US.map((bound) => bound / 1_000);

/** Counts by bucket, one more than there are bounds, and the sum of all values in ms. Plain data. */
export interface LatencyCounts {
  readonly counts: number[];
  readonly sumMs: number;
}

/** By the number of binary digits of a value in microseconds: the first bucket that it can be in. */
const FIRST_BUCKETS = Uint8Array.from({ length: 33 }, (_, digits) => {
  const least = digits === 0 ? 0 : 2 ** (digits - 1);
  const found = BOUNDS_US.findIndex((bound) => least <= bound);
  return found < 0 ? BOUNDS_US.length : found;
});
const BOUNDS = Int32Array.from(BOUNDS_US);

export class LatencyHistogram {
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  #sumMs = 0;

  /** A value in ms, with fractions; what is below a microsecond counts as 0. */
  add(valueMs: number): void {
    this.#counts[bucketOf(valueMs)]!++;
    this.#sumMs += valueMs;
  }

  /** A copy. */
  snapshot(): LatencyCounts {
    return { counts: Array.from(this.#counts), sumMs: this.#sumMs };
  }
}

function bucketOf(valueMs: number): number {
  // Rounded up, because a bound is the largest value of its bucket.
  const us = Math.ceil(valueMs * 1_000);
  if (us > MICROSECONDS_MAX) return BOUNDS.length;
  let bucket = FIRST_BUCKETS[32 - Math.clz32(us)]!;
  while (us > BOUNDS[bucket]!) bucket++;
  return bucket;
}

function boundsUs(): number[] {
  const bounds: number[] = [];
  for (let decade = 100; decade < MICROSECONDS_MAX; decade *= 10) bounds.push(...STEPS.map((step) => step * decade));
  return [...bounds, MICROSECONDS_MAX];
}
