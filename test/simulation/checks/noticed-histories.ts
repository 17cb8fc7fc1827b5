/**
 * I2: a history that was made again is noticed. A node that can read the journal, and serves another history than the one that is
 * there, says so. (That no reader goes back within a history is seen as it reads: `node-watch.ts`.)
 */
import type { World } from '../world/world.ts';

/** A follower that broke tries again after 5 s at most, and a silent path is noticed after 5 s. */
const NOTICED_WITHIN_MS = 12_000;

export class NoticedHistories {
  /** Since when each node has been able to notice, by the simulation's clock. */
  readonly #sinceMsByNode = new Map<string, number>();

  check(world: World): void {
    const { present } = world.store;
    const nowMs = world.clock.elapsedMs();
    for (const { name, path, process } of world.machines) {
      const { epoch = null, epochChange = null } = process?.handle.status() ?? {};
      const isFast = path.isWhole && path.followMs === 0 && !world.store.isGone;
      const isNoticed = epoch === null || epoch === present.epoch || epochChange?.to === present.epoch;
      if (!isFast || isNoticed) {
        this.#sinceMsByNode.delete(name);
        continue;
      }
      const sinceMs = this.#sinceMsByNode.get(name) ?? nowMs;
      this.#sinceMsByNode.set(name, sinceMs);
      if (nowMs - sinceMs < NOTICED_WITHIN_MS) continue;
      world.report(
        'I2',
        `${name} serves ${epoch}, the journal has been ${present.epoch}, and the node does not say so`,
      );
    }
  }
}
