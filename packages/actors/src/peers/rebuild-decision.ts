/**
 * What a node does when its roster differs from another's: it says so, and unless most of the nodes it hears agree with it,
 * it builds its roster anew.
 *
 *     two nodes      both build anew; the one that was right gets the same hash again and says that the other is wrong
 *     three nodes    the odd one builds anew; each of the two others agrees with one and differs from one, and stays
 *
 * A verdict waits until every node has had the time to announce itself at the disputed revision. A rebuild is not
 * repeated within `REBUILD_INTERVAL_MIN_MS`, and not after one that changed nothing, until another node turns away.
 */
import type { Agreement } from './agreement.ts';
import type { Clock, Logger } from '../ports.ts';

/** One announcement of every node, and a half. */
const VERDICT_AFTER_MS = 1_500;
const REBUILD_INTERVAL_MIN_MS = 60_000;

export interface RebuildDecisionPorts {
  readonly agreement: Agreement;
  /** Has the roster built anew from a snapshot at or before a revision and the log after it. `rebuilt` is told the end. */
  readonly rebuild: (reason: string, options: { readonly atOrBefore: number }) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class RebuildDecision {
  readonly #ports: RebuildDecisionPorts;
  #disputedSinceMs: number | null = null;
  #hasSaidMajority = false;
  /** How often nodes had turned away when the rebuild that is under way began; null while none is. */
  #askedAtLosses: number | null = null;
  #askedMs = -Infinity;
  /** The same for a rebuild that gave the same roster again: until another node turns away, it is not this one that is wrong. */
  #provenAtLosses: number | null = null;

  constructor(ports: RebuildDecisionPorts) {
    this.#ports = ports;
  }

  /** Whether this node's roster may be the wrong one: nobody should start from its snapshots. */
  get isInDoubt(): boolean {
    return this.#isOutnumbered() && !this.#isProven();
  }

  /** To be called a few times a second. */
  check(): void {
    const { agreement, clock, log } = this.#ports;
    const { equalCount, differsCount } = agreement.standing();
    const nowMs = clock.elapsedMs();
    if (differsCount === 0) {
      this.#disputedSinceMs = null;
      this.#hasSaidMajority = false;
      if (equalCount > 0) this.#provenAtLosses = null;
      return;
    }
    this.#disputedSinceMs ??= nowMs;
    if (nowMs - this.#disputedSinceMs < VERDICT_AFTER_MS) return;
    if (!this.#isOutnumbered()) {
      if (!this.#hasSaidMajority)
        log.error({ equalCount, differsCount }, 'most nodes agree with this one; it goes on as it is');
      this.#hasSaidMajority = true;
    } else if (!this.#isProven() && nowMs - this.#askedMs >= REBUILD_INTERVAL_MIN_MS) this.#ask(differsCount);
  }

  /** The roster was built anew. `isSame`: with the same hash where the two changed places. */
  rebuilt({ isSame }: { readonly isSame: boolean }): void {
    if (isSame && this.#askedAtLosses !== null) {
      this.#provenAtLosses = this.#askedAtLosses;
      this.#ports.log.error(
        {},
        'the roster was built anew from the log and is the same: it is the others that are wrong',
      );
    }
    this.#askedAtLosses = null;
  }

  #isOutnumbered(): boolean {
    const { equalCount, differsCount } = this.#ports.agreement.standing();
    return differsCount >= equalCount + 1;
  }

  #isProven(): boolean {
    return this.#provenAtLosses === this.#ports.agreement.lossesCount;
  }

  #ask(differsCount: number): void {
    const { agreement, rebuild, clock } = this.#ports;
    this.#askedMs = clock.elapsedMs();
    this.#askedAtLosses = agreement.lossesCount;
    const nodes = differsCount === 1 ? 'another node' : `${differsCount} other nodes`;
    rebuild(`it disagrees with ${nodes}`, { atOrBefore: agreement.agreedRevision });
  }
}
