/** What a pool counts, how it is at the moment, and why nobody could be picked from it. Plain data: workers send it once a second. */

/** Why a pool found no backend for a connection or a request. */
export type PickFailure =
  /** The roster has no such pool. */
  | 'unknown_pool'
  /** The pool has no eligible backend. */
  | 'empty_set'
  /** Every eligible backend that was not tried is at its limit of connections. */
  | 'backends_full'
  /** The attempts are used up, or every eligible backend was tried. */
  | 'connect_failed';

/** What happens in a pool, as it is counted. */
export interface PoolCounters {
  /** Dials that failed or timed out. */
  connectFailures: number;
  /** Connections and requests that were tried again. */
  retries: number;
}

/** How a pool is at the moment. */
export interface PoolGauges {
  /** HTTP requests from their route to the end of their answer, waiting ones and tunnels included. */
  requestsInFlight: number;
  /** Of these, who wait for a connection or for their turn to be tried again. */
  requestsWaiting: number;
  /** To backends, dials included. */
  connectionsOpen: number;
  /** Of these, kept alive for a request to come. */
  connectionsIdle: number;
}

export interface PoolStats extends Readonly<PoolCounters> {
  readonly now: PoolGauges;
  /** Picks by backend id, for the backends that the pool has now. */
  readonly picksByBackend: Record<string, number>;
}
