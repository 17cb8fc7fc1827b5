/**
 * Who may be dialled: asked with each literal address just before it is dialled, for traffic and for probes alike.
 *
 * It is asked after names were resolved, because a name can lead to anywhere: what was allowed a minute ago may point to
 * 127.0.0.1 now. So a rule that holds here holds for every way out.
 */
import { formatAddress, type Address } from '@muster/membership';
import { OwnAddresses, type OwnAddress } from './own-addresses.ts';
import { TargetRules, type TargetPolicy } from './target-policy.ts';

/** Why an address is not dialled, for people and without the address: `it is this node's own admin API`. */
interface TargetRefusal {
  readonly reason: string;
}

export interface TargetGuard {
  /** Null where the address may be dialled. `host` is a literal IP address. Called for each dial: it must be cheap. */
  refusalOf(address: Address): TargetRefusal | null;
  /** As `refusalOf`, for who only wants to know: nothing is counted. */
  verdictOn(address: Address): TargetRefusal | null;
  /** Grows with each change after which a verdict may be another one. */
  readonly generation: number;
}

/** Lets everything through. */
export const ANY_TARGET: TargetGuard = { refusalOf: () => null, verdictOn: () => null, generation: 0 };

/** Addresses whose verdict is remembered; beyond that all are forgotten and judged anew. */
const VERDICTS_MAX = 4_096;

/** The guard of a node: never its own addresses, and of the others what its operator's policy lets through. */
export class NodeTargetGuard implements TargetGuard {
  readonly #own: OwnAddresses;
  readonly #rules: TargetRules;
  /** By host, then by port. What the rules say of a TCP address does not change, and judging takes microseconds. */
  readonly #verdicts = new Map<string, Map<number, TargetRefusal | null>>();
  #verdictsCount = 0;
  generation = 0;
  /** Dials that were refused. */
  refusedCount = 0;
  /** The last one of them, for people. */
  lastRefused: { readonly target: string; readonly reason: string } | null = null;

  constructor(policy: TargetPolicy, own = new OwnAddresses()) {
    this.#rules = new TargetRules(policy);
    this.#own = own;
  }

  /** Takes the place of all that were told before. */
  setOwn(addresses: readonly OwnAddress[]): void {
    this.#own.replace(addresses);
    this.generation++;
  }

  refusalOf(address: Address): TargetRefusal | null {
    const refusal = this.verdictOn(address);
    if (refusal === null) return null;
    this.refusedCount++;
    this.lastRefused = { target: formatAddress(address), reason: refusal.reason };
    return refusal;
  }

  verdictOn(address: Address): TargetRefusal | null {
    const name = this.#own.nameOf(address);
    if (name !== null) return { reason: `it is ${name}` };
    if (address.kind === 'unix') return this.#judge(address);
    const known = this.#verdicts.get(address.host)?.get(address.port);
    return known === undefined ? this.#remember(address) : known;
  }

  #remember(address: Address & { kind: 'tcp' }): TargetRefusal | null {
    const verdict = this.#judge(address);
    if (this.#verdictsCount >= VERDICTS_MAX) {
      this.#verdicts.clear();
      this.#verdictsCount = 0;
    }
    const byPort = this.#verdicts.get(address.host) ?? new Map<number, TargetRefusal | null>();
    this.#verdicts.set(address.host, byPort.set(address.port, verdict));
    this.#verdictsCount++;
    return verdict;
  }

  #judge(address: Address): TargetRefusal | null {
    const reason = this.#rules.refusalOf(address);
    return reason === null ? null : { reason };
  }
}
