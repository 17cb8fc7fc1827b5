/** The limit of a memory that keeps the newest. */

/** Drops the entry that was put in first, where one more than `countMax` are in. A map or a set keeps its keys in that order. */
export function forgetOldest<Key>(entries: Map<Key, unknown> | Set<Key>, countMax: number): void {
  if (entries.size <= countMax) return;
  for (const oldest of entries.keys()) {
    entries.delete(oldest);
    return;
  }
}
