/**
 * How names are resolved: the `[resolver]` table of a node's config with its defaults, and the limits that nobody has had to set.
 */

export interface ResolverSettings {
  /** `IP`, `IP:PORT` or `[IPV6]:PORT`, asked in this order; null: those of /etc/resolv.conf. */
  readonly servers: readonly string[] | null;
  /** Appended to names with fewer dots than `ndots`, in this order; null: those of /etc/resolv.conf. */
  readonly search: readonly string[] | null;
  /** A name with so many dots is asked for as it is first, 0 to 15; null: what /etc/resolv.conf says, 1 where it says nothing. */
  readonly ndots: number | null;
  /** How long one server may take for one question, ms; c-ares looks at its clock about once a second. A later answer is not used. */
  readonly timeoutMs: number;
  /** How often each server is asked before it is given up. */
  readonly tries: number;
  /** An answer is used for its TTL, but at least so long, ms: a TTL of 0 is no reason to ask for each connection. */
  readonly minTtlMs: number;
  /** And at most so long. */
  readonly maxTtlMs: number;
  /** How long "there is no such name" is believed, ms. */
  readonly negativeTtlMs: number;
  /** How long an answer is used after its TTL where no newer one can be had, ms; 0: not at all. */
  readonly staleMs: number;
}

export const RESOLVER_DEFAULTS: ResolverSettings = {
  servers: null,
  search: null,
  ndots: null,
  timeoutMs: 3_000,
  tries: 2,
  minTtlMs: 1_000,
  maxTtlMs: 300_000,
  negativeTtlMs: 5_000,
  staleMs: 86_400_000,
};

export const RESOLVER_LIMITS = {
  /** Names that are remembered. The one that was used longest ago makes room for another. */
  names: 16_384,
  /** Dials that wait for one name; a further one fails with NAME_BUSY. */
  waitsPerName: 4_096,
  /** Names that are asked for at a time; further ones wait for their turn. */
  questions: 1_024,
  /** Addresses that are kept of one answer, each of the two families. */
  addresses: 32,
} as const;
