/**
 * Who may be dialled: asked with each literal address just before it is dialled, for traffic and for probes alike.
 *
 * It is asked after names were resolved, because a name can lead to anywhere: what was allowed a minute ago may point to
 * 127.0.0.1 now. So a rule that holds here holds for every way out.
 */
import type { Address } from '@muster/membership';

/** Why an address is not dialled, for people and without the address: `it is this node's own admin API`. */
interface TargetRefusal {
  readonly reason: string;
}

export interface TargetGuard {
  /** Null where the address may be dialled. `host` is a literal IP address. Called for each dial: it must be cheap. */
  refusalOf(address: Address): TargetRefusal | null;
}

/** Lets everything through. */
export const ANY_TARGET: TargetGuard = { refusalOf: () => null };
