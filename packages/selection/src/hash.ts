/**
 * Hashes of texts and numbers, 32 bits wide. They are part of what `consistent_hash` promises: the same key leads to the
 * same backend on every node, worker and release. So they are made of exact integer operations alone, and a change to
 * one of them moves everybody's keys.
 *
 * They spread well and are quick. They are no defence: who chooses keys can find many with the same hash, and overload one
 * backend as far as the policy's bound on load lets it.
 */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * FNV-1a over the code units of a text, with a finishing mix: what `PickRequest.keyHash` is made with. An unsigned 32-bit
 * integer. `basis` starts another, independent hash of the same text. O(length), about 1 ns per code unit.
 */
export function hashOfKey(text: string, basis: number = FNV_OFFSET): number {
  let hash = basis;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  return mix(hash) >>> 0;
}

/** MurmurHash3's finisher (Appleby, 2011): each bit of the input moves each bit of the output. A signed 32-bit integer. */
export function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
