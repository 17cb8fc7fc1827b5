/** The limit of a memory that keeps the newest. */

/** Drops the entry that was put in first, where one more than `countMax` are in. A map keeps its keys in that order. */
export function forgetOldest<Key>(map: Map<Key, unknown>, countMax: number): void {
  if (map.size <= countMax) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
