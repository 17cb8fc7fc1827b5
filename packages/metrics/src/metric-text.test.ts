/** The text format of Prometheus, as its documents have it. */
import { expect, test } from 'vitest';
import type { Scrape, Series } from './metric-text.ts';
import { metricLines } from './metric-text.ts';

const SCRAPE = {} as Scrape;
const linesOf = (series: Series): string[] => [...metricLines([series], SCRAPE)].join('').split('\n');

test('each sample is a line with its labels, and a series without samples is only named', () => {
  const named = { kind: 'counter', name: 'x_total', help: 'How many.' } as const;
  const samples = [
    { labels: {}, value: 3 },
    { labels: { pool: 'p', reason: 'a "b"\\\n' }, value: 0.5 },
  ];
  expect(linesOf({ ...named, read: () => samples })).toEqual([
    '# HELP x_total How many.',
    '# TYPE x_total counter',
    'x_total 3',
    'x_total{pool="p",reason="a \\"b\\"\\\\\\n"} 0.5',
    '',
    '',
  ]);
  expect(linesOf({ ...named, read: () => [] })).toEqual(['# HELP x_total How many.', '# TYPE x_total counter', '', '']);
});

test('buckets are cumulative and in seconds, the last one holds all', () => {
  const counts = Array.from({ length: 32 }, (_, bucket) => ([0, 5, 31].includes(bucket) ? 2 : 0));
  const read = () => [{ labels: { listener: 'web' }, latency: { counts, sumMs: 2_500 } }];
  const lines = linesOf({ kind: 'latency', name: 'x_seconds', help: 'How long.', read });
  expect(lines.slice(0, 3)).toEqual([
    '# HELP x_seconds How long.',
    '# TYPE x_seconds histogram',
    'x_seconds_bucket{listener="web",le="0.0001"} 2',
  ]);
  expect(lines).toContain('x_seconds_bucket{listener="web",le="0.0007"} 2');
  expect(lines).toContain('x_seconds_bucket{listener="web",le="0.001"} 4');
  expect(lines.slice(-6)).toEqual([
    'x_seconds_bucket{listener="web",le="100"} 4',
    'x_seconds_bucket{listener="web",le="+Inf"} 6',
    'x_seconds_sum{listener="web"} 2.5',
    'x_seconds_count{listener="web"} 6',
    '',
    '',
  ]);
});
