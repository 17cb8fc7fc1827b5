/**
 * The roster's hash at each of the newest revisions: what other nodes' announcements are compared with.
 *
 * Nodes are hardly ever at the same revision at the same moment. So each keeps the hash it had at every revision, and an
 * announcement of an older one can still be judged.
 *
 * A ring in three typed arrays, 1 MiB: a revision's place is its remainder. `record` costs three stores and allocates
 * nothing, because it runs once for every event. What a revision 65,536 later has overwritten is forgotten.
 */
import { rosterHash, type Roster } from '@muster/membership';

const REVISIONS_KEPT = 65_536;

export class HashHistory {
  /** All zero at first, which is true: at revision 0 the roster is empty, and its hash is zero. */
  readonly #revisions = new Float64Array(REVISIONS_KEPT);
  readonly #highs = new Uint32Array(REVISIONS_KEPT);
  readonly #lows = new Uint32Array(REVISIONS_KEPT);

  record({ revision, digest }: Pick<Roster, 'revision' | 'digest'>): void {
    const place = revision % REVISIONS_KEPT;
    this.#revisions[place] = revision;
    this.#highs[place] = digest.high;
    this.#lows[place] = digest.low;
  }

  /** The hash as `rosterHash` gives it, or null where this node was not at that revision or it is long past. */
  at(revision: number): string | null {
    const place = revision % REVISIONS_KEPT;
    if (this.#revisions[place] !== revision) return null;
    return rosterHash({ digest: { high: this.#highs[place]!, low: this.#lows[place]! } });
  }

  /** Forgets everything: the roster was made anew. */
  clear(): void {
    this.#revisions.fill(0);
    this.#highs.fill(0);
    this.#lows.fill(0);
  }
}
