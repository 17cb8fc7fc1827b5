/**
 * The difference between two rosters, entity by entity: what the actors and the proxies act on.
 *
 * Level-triggered: `before` may be any number of events behind. Shared structure is skipped, so the cost is
 * O(changes × log n) for rosters of one history; rosters of two histories cost O(n). In order: listeners, then pools by id with their backends.
 */
import type { Backend, Listener, Pool, Roster, Digest } from './roster.ts';
import { diffMaps, emptyMap } from './sorted-map.ts';

/** `before` is null for what was added, `after` for what was removed; both are given for what changed. */
export type Change =
  | { readonly kind: 'listener'; readonly before: Listener | null; readonly after: Listener | null }
  | { readonly kind: 'pool'; readonly before: Pool | null; readonly after: Pool | null }
  | { readonly kind: 'backend'; readonly before: Backend | null; readonly after: Backend | null };

/** A pool appears as changed only when its own spec did; its backends are reported one by one. */
export function diff(before: Roster, after: Roster): Change[] {
  const changes: Change[] = [];
  diffMaps(before.listeners, after.listeners, {
    added: (_id, listener) => changes.push({ kind: 'listener', before: null, after: listener }),
    removed: (_id, listener) => changes.push({ kind: 'listener', before: listener, after: null }),
    changed: (_id, from, to) => {
      if (!isSame(from, to)) changes.push({ kind: 'listener', before: from, after: to });
    },
  });
  diffMaps(before.pools, after.pools, {
    added: (_id, pool) => {
      changes.push({ kind: 'pool', before: null, after: pool });
      diffBackends(changes, null, pool);
    },
    removed: (_id, pool) => {
      diffBackends(changes, pool, null);
      changes.push({ kind: 'pool', before: pool, after: null });
    },
    changed: (_id, from, to) => {
      if (!isSame(from, to)) changes.push({ kind: 'pool', before: from, after: to });
      diffBackends(changes, from, to);
    },
  });
  return changes;
}

function diffBackends(changes: Change[], before: Pool | null, after: Pool | null): void {
  diffMaps(before?.backends ?? emptyMap<Backend>(), after?.backends ?? emptyMap<Backend>(), {
    added: (_id, backend) => changes.push({ kind: 'backend', before: null, after: backend }),
    removed: (_id, backend) => changes.push({ kind: 'backend', before: backend, after: null }),
    changed: (_id, from, to) => {
      if (!isSame(from, to)) changes.push({ kind: 'backend', before: from, after: to });
    },
  });
}

/** By digest and not by identity: a roster decoded from a snapshot shares nothing with the one before it. */
function isSame(left: { readonly digest: Digest }, right: { readonly digest: Digest }): boolean {
  return left.digest.high === right.digest.high && left.digest.low === right.digest.low;
}
