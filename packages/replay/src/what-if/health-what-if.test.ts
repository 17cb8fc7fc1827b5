/** Which event says each flip that happened, where several flips lie within the time by which clocks may be apart. */
import type { Observation } from '@muster/observations';
import { expect, test } from 'vitest';
import { eventsOf, pastOf, sourceOf, START_MS } from '../../testing/past.ts';
import { healthWhatIf } from './health-what-if.ts';

const TARGET = '10.0.0.1:80';
const policy = { tcp: true, intervalMs: 1_000, timeoutMs: 100, jitterRatio: 0, rise: 1, fall: 1 } as const;
const about = { pool: 'p', backend: 'b-1', target: TARGET };

/** A probe 10 ms before the event of that second, and what it made of the backend. */
function probed(second: number, passed: boolean): Observation[] {
  const timeMs = START_MS + second * 1_000 - 10;
  const [code, reason] = passed ? [null, null] : ['refused', 'connection refused'];
  return [
    { kind: 'probe', timeMs, ...about, passed, code, reason, durationMs: 1 },
    { kind: 'turned', timeMs, ...about, health: passed ? 'healthy' : 'unhealthy', reason: reason ?? 'probe passed' },
  ];
}

test('flips that are close together each have the event that was made of them', async () => {
  const turned = (type: string): [string, object, string] => [
    'health.lb-1.p.b-1',
    { type, target: TARGET, reason: 'r' },
    'node:lb-1',
  ];
  const events = eventsOf(
    ['pool.p', { type: 'PoolDefined', health: policy }],
    ['backend.p.b-1', { type: 'BackendRegistered', target: TARGET }],
    turned('BackendTurnedHealthy'),
    turned('BackendTurnedUnhealthy'),
    turned('BackendTurnedHealthy'),
  );
  const past = pastOf(events);
  past.observations.push(
    { kind: 'probing-began', timeMs: START_MS + 2_500, ...about, policy, health: 'unknown' },
    ...probed(3, true),
    ...probed(4, false),
    ...probed(5, true),
  );
  past.observations.sort((left, right) => left.timeMs - right.timeMs);
  const answer = await healthWhatIf(sourceOf(past), { pool: 'p', fromMs: START_MS, toMs: START_MS + 60_000 });
  if (answer.outcome === 'refused') throw new Error(answer.message);
  expect(answer.backends[0]!.flips.map(({ revision }) => revision)).toEqual([3, 4, 5]);
});
