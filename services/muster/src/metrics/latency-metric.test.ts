/** Counts by bucket, as Prometheus wants them: how many took at most so long. */
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { LatencyMetric } from './latency-metric.ts';

test('buckets are cumulative and in seconds, the last one holds all', async () => {
  const registry = new Registry();
  const counts = Array.from({ length: 32 }, (_, bucket) => ([0, 5, 31].includes(bucket) ? 2 : 0));
  const read = () => [{ labels: { listener: 'web' }, latency: { counts, sumMs: 2_500 } }];
  registry.registerMetric(new LatencyMetric({ name: 'x_seconds', help: 'How long.', labels: ['listener'], read }));
  const lines = (await registry.metrics()).trim().split('\n');
  expect(lines.slice(0, 3)).toEqual([
    '# HELP x_seconds How long.',
    '# TYPE x_seconds histogram',
    'x_seconds_bucket{listener="web",le="0.0001"} 2',
  ]);
  expect(lines).toContain('x_seconds_bucket{listener="web",le="0.0007"} 2');
  expect(lines).toContain('x_seconds_bucket{listener="web",le="0.001"} 4');
  expect(lines.slice(-4)).toEqual([
    'x_seconds_bucket{listener="web",le="100"} 4',
    'x_seconds_bucket{listener="web",le="+Inf"} 6',
    'x_seconds_sum{listener="web"} 2.5',
    'x_seconds_count{listener="web"} 6',
  ]);
});
