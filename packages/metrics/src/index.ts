/** Public entry: what a node counts, over all its workers, and as Prometheus reads it. */
export { type Metrics, createMetrics } from './metrics.ts';
export { followTraffic, TrafficTotals, type AccessLogStats, type WorkerStats } from './traffic-totals.ts';
