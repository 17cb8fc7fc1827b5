/**
 * Read buffers: each reading leg owns one, small at first, large while it moves bulk.
 *
 * A buffer of its own is what makes zero copy safe: a write that is still pending refers to the memory it was given,
 * and no other connection can read into it meanwhile. (One buffer shared by all sockets needs less memory, and
 * corrupts data as soon as a peer is slow.) Given back, buffers are used again last in, first out, so that the hot
 * ones are in the cache.
 *
 * Limits: kept-for-reuse buffers are bounded per size; large ones are bounded altogether, and a leg that gets none
 * goes on with its small one, slower but correct.
 */

/** Holds a usual request or response. 32,768 connections cost at most 256 MiB of it. */
const SMALL_BUFFER_BYTES = 4 * 1_024;
/**
 * CPU for 1 MiB bodies, by size, against this one (median of 6 interleaved rounds): 16 KiB 1.58×, 32 KiB 1.25×,
 * 128 KiB 0.92×, 256 KiB 0.82×. Larger ones gain less than their memory costs, and let one connection hold up the others.
 */
export const LARGE_BUFFER_BYTES = 64 * 1_024;

const KEPT_SMALL_MAX = 1_024;
const LARGE_MAX = 1_024;

const keptSmall: Buffer[] = [];
const keptLarge: Buffer[] = [];
let largeInUseCount = 0;

export function takeSmallBuffer(): Buffer {
  return keptSmall.pop() ?? Buffer.allocUnsafeSlow(SMALL_BUFFER_BYTES);
}

/** Null while `LARGE_MAX` (64 MiB) are in use. */
export function takeLargeBuffer(): Buffer | null {
  if (largeInUseCount === LARGE_MAX) return null;
  largeInUseCount++;
  return keptLarge.pop() ?? Buffer.allocUnsafeSlow(LARGE_BUFFER_BYTES);
}

/** The caller must not touch it again, and nothing may be pending on it. */
export function giveBack(buffer: Buffer): void {
  if (buffer.length === LARGE_BUFFER_BYTES) {
    largeInUseCount--;
    keptLarge.push(buffer);
  } else if (keptSmall.length < KEPT_SMALL_MAX) {
    keptSmall.push(buffer);
  }
}
