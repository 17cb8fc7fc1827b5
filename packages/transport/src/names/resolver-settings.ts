/**
 * How names are resolved: the `[resolver]` table of a node's config with its defaults, the limits that nobody has had to set, and the
 * clock that look-ups and head starts are timed by.
 */
import { performance } from 'node:perf_hooks';

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

/** The data plane gives its timer wheel, a test a clock that it turns itself. */
export interface DialClock {
  /** Milliseconds since some moment; never steps. */
  nowMs(): number;
  /** Calls back once, when `delayMs` (0 or more) have passed, and keeps no process alive. Returns what calls it off. */
  after(delayMs: number, callBack: () => void): () => void;
}

/** Node's timers reach no further: 24.8 days. */
const DELAY_MAX_MS = 2_147_483_647;

export const SYSTEM_CLOCK: DialClock = {
  nowMs: () => performance.now(),
  after(delayMs, callBack) {
    const timer = setTimeout(callBack, Math.min(delayMs, DELAY_MAX_MS)).unref();
    return () => clearTimeout(timer);
  },
};
