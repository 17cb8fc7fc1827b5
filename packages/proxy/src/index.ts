/** Public entry: the data plane, run in workers, and the control process's side of its listening sockets. */
export type { AttemptOutcome, Attempt, ExchangeRecord } from './http/record/exchange-record.ts';
export type { DecisionQuery } from './http/record/decision-ring.ts';
export type * from './http/filters/filter.ts';
export type { FilterChain, LoggingFailure } from './http/filters/filter-chain.ts';
export { isLeftByFilter, loadFilters, type FilterLoadOutcome } from './http/filters/filter-loader.ts';
export type { HttpSettings } from './http/routes/http-settings.ts';
export type { RefusedHead } from './http/exchange/http-service.ts';
export { STATUS_CLASSES, type HttpPoolTraffic, type HttpTraffic } from './http/record/http-stats.ts';
export { LATENCY_BOUNDS_MS, type LatencyCounts } from './http/record/latency-histogram.ts';
export { shownPath } from './http/record/exchange-record.ts';
export { describeTermination, type Termination } from './http/record/termination.ts';
export type { Outlier } from './pool/ejection-tally.ts';
export type { RefusalLine } from './listener/refusal-log.ts';
export { relayStreams, type RelayStreamsOptions } from './tcp/relay-streams.ts';
export {
  MAX_CONNECTIONS_DEFAULT,
  DataPlane,
  type DataPlaneOptions,
  type OpenListenerOutcome,
  type PlaneClock,
  type ProxyStats,
} from './data-plane.ts';
export type { PoolGauges, PoolStats } from './pool/pool-stats.ts';
export type { CloseReason, ListenerStats } from './listener/listener-stats.ts';
