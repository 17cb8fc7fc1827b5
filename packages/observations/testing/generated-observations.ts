/** Observations of every kind, made by chance: for tests that keep them and want them back. */
import * as fc from 'fast-check';
import type { Observation } from '../src/observation.ts';

const name = fc.constantFrom('p', 'q', 'b-1', 'b-2', 'lb-1', 'ü "x"\n');
const timeMs = fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 });
const about = { timeMs, pool: name, backend: name };
const target = fc.constantFrom('10.0.0.1:80', '/run/a b.sock');
const durationMs = fc.integer({ min: 0, max: 100_000 }).map((tenths) => tenths / 10);
const policy = { tcp: true, intervalMs: 5_000, timeoutMs: 2_000, jitterRatio: 0.1, rise: 2, fall: 3 } as const;
const reason = fc.constantFrom('connection refused', 'status 503');

export const observation: fc.Arbitrary<Observation> = fc.oneof(
  fc.record({
    kind: fc.constant('probe' as const),
    ...about,
    target,
    passed: fc.constant(true),
    code: fc.constant(null),
    reason: fc.constant(null),
    durationMs,
  }),
  fc.record({
    kind: fc.constant('probe' as const),
    ...about,
    target,
    passed: fc.constant(false),
    code: fc.constantFrom('connect_refused', 'no_answer'),
    reason,
    durationMs,
  }),
  fc.record({
    kind: fc.constant('hash' as const),
    timeMs,
    node: name,
    epoch: fc.constantFrom('epoch-1', 'epoch-2'),
    revision: fc.nat(),
    hash: fc.constantFrom('9f86d081884c7d65', '0000000000000000'),
  }),
  fc.record({
    kind: fc.constant('probing-began' as const),
    ...about,
    target,
    policy: fc.constant(policy),
    health: fc.constantFrom('unknown' as const, 'healthy' as const),
  }),
  fc.record({
    kind: fc.constant('probing-state' as const),
    ...about,
    target,
    policy: fc.constant(policy),
    health: fc.constant('unhealthy' as const),
    againstCount: fc.nat(3),
  }),
  fc.record({ kind: fc.constant('probing-ended' as const), ...about }),
  fc.record({
    kind: fc.constant('turned' as const),
    ...about,
    target,
    health: fc.constant('healthy' as const),
    reason,
  }),
  fc.record({ kind: fc.constant('outlier' as const), ...about, target, failures: fc.nat(), reason }),
  fc.record({ kind: fc.constant('lost' as const), timeMs, sinceMs: timeMs, count: fc.nat() }),
);
