/**
 * Who of a pool has which target, for connections whose backend is leaving: another one may have the same target and keep them.
 *
 * A change of one backend is answered by a walk over the pool. A batch of changes, such as 6,000 backends sent to `maint` at once,
 * asks about the same pool again and again; from its second question on a pool is indexed, so that a batch costs as much as the
 * pool and the batch together and not their product.
 */
import type { Backend, Pool } from '@muster/membership';

/** What all backends with one target want of its connections. */
export interface HeldTarget {
  /** Whether one of them is `ready`: the connections stay. */
  readonly isReady: boolean;
  /** When the mode of the last of them was set, ms since 1970; null: none has the target. */
  readonly sinceMs: number | null;
}

const HELD_BY_NOBODY: HeldTarget = { isReady: false, sinceMs: null };

export class TargetHolders {
  /** The pool that was asked about last. */
  #pool: Pool | undefined;
  #heldByTarget: Map<string, HeldTarget> | null = null;

  /** `pool` undefined: it is gone, and nobody has any target. */
  of(target: string, pool: Pool | undefined): HeldTarget {
    if (pool === undefined) return HELD_BY_NOBODY;
    if (pool !== this.#pool) {
      this.#pool = pool;
      this.#heldByTarget = null;
      return heldBy(target, pool);
    }
    this.#heldByTarget ??= indexOf(pool);
    return this.#heldByTarget.get(target) ?? HELD_BY_NOBODY;
  }
}

function heldBy(target: string, pool: Pool): HeldTarget {
  let held = HELD_BY_NOBODY;
  for (const backend of pool.backends.values()) if (backend.target.value === target) held = joined(held, backend);
  return held;
}

function indexOf(pool: Pool): Map<string, HeldTarget> {
  const heldByTarget = new Map<string, HeldTarget>();
  for (const backend of pool.backends.values()) {
    const target = backend.target.value;
    heldByTarget.set(target, joined(heldByTarget.get(target) ?? HELD_BY_NOBODY, backend));
  }
  return heldByTarget;
}

function joined({ isReady, sinceMs }: HeldTarget, { mode }: Backend): HeldTarget {
  return { isReady: isReady || mode.value === 'ready', sinceMs: Math.max(sinceMs ?? mode.timeMs, mode.timeMs) };
}
