/** Each request is counted once, and what left the roster is forgotten. */
import { expect, test } from 'vitest';
import { recordedAttempt, recordedExchange } from '../../testing/http/exchange-records.ts';
import { HttpStats, type IsOnRoster } from './record/http-stats.ts';

const EVERYTHING: IsOnRoster = () => true;
const none = recordedAttempt({ outcome: 'connect_failed', answeredAtMs: -1 });

function trafficOf(stats: HttpStats, isOnRoster = EVERYTHING) {
  return stats.snapshot(isOnRoster).pools.map(({ listener, pool, backends, requests }) => ({
    name: `${listener}/${pool}`,
    requests: Object.fromEntries(backends.map((id, at) => [id, requests.slice(at * 6, at * 6 + 6)])),
  }));
}

test('requests are counted by listener, pool, backend of the last attempt, and status class', () => {
  const stats = new HttpStats();
  stats.count(recordedExchange());
  stats.count(recordedExchange({ status: 503, attempts: [none, recordedAttempt({ backend: 'b-1' })] }));
  stats.count(recordedExchange({ status: 0, termination: 'client_left' }));
  stats.count(recordedExchange({ status: 101, termination: 'tunnel_closed' }));
  stats.count(recordedExchange({ listener: 'api', status: 304 }));
  stats.count(recordedExchange({ pool: null, status: 404, termination: 'no_route', attempts: [] }));
  stats.count(recordedExchange({ pool: 'gone', status: 503, termination: 'unknown_pool', attempts: [] }));
  expect(trafficOf(stats)).toEqual([
    { name: 'web/spells', requests: { 'b-0': [1, 1, 1, 0, 0, 0], 'b-1': [0, 0, 0, 0, 0, 1] } },
    { name: 'web/', requests: { '': [0, 0, 0, 0, 1, 1] } },
    { name: 'api/spells', requests: { 'b-0': [0, 0, 0, 1, 0, 0] } },
  ]);
});

test('how they ended, what was tried again, and how long it took', () => {
  const stats = new HttpStats();
  stats.count(recordedExchange({ durationMs: 3, attempts: [recordedAttempt({ startedAtMs: 1, answeredAtMs: 3 })] }));
  stats.count(recordedExchange({ durationMs: 9, attempts: [recordedAttempt({ outcome: 'stale' }), none, none] }));
  stats.count(recordedExchange({ termination: 'connect_failed', attempts: [none], durationMs: 1 }));
  stats.count(recordedExchange({ status: 101, termination: 'tunnel_closed', durationMs: 3_600_000, attempts: [none] }));
  const [counted] = stats.snapshot(EVERYTHING).pools;
  expect(counted).toMatchObject({
    terminations: { finished: 2, connect_failed: 1, tunnel_closed: 1 },
    retries: 2,
    staleConnections: 1,
    duration: { sumMs: 13 },
    answer: { sumMs: 2 },
  });
  expect(counted!.duration.counts.reduce((sum, count) => sum + count)).toBe(3);
});

test('refused heads are counted by listener and reason', () => {
  const stats = new HttpStats();
  for (const reason of ['host', 'host', 'method']) stats.countRefusedHead('web', reason);
  expect(stats.snapshot(EVERYTHING).refusedHeads).toEqual({ web: { host: 2, method: 1 } });
});

test('what is removed is forgotten, also by what keeps counting', () => {
  const stats = new HttpStats();
  stats.count(recordedExchange());
  stats.count(recordedExchange({ attempts: [recordedAttempt({ backend: 'b-1' })] }));
  stats.forgetBackend('spells', 'b-0');
  expect(trafficOf(stats)).toEqual([{ name: 'web/spells', requests: { 'b-1': [0, 0, 1, 0, 0, 0] } }]);
  stats.forgetPool('spells');
  stats.count(recordedExchange({ attempts: [] }));
  expect(trafficOf(stats)).toEqual([{ name: 'web/spells', requests: { '': [0, 0, 1, 0, 0, 0] } }]);
  stats.countRefusedHead('web', 'host');
  stats.forgetListener('web');
  expect(stats.snapshot(EVERYTHING)).toEqual({ pools: [], refusedHeads: {} });
});

test('a request that outlives its backend, or its pool, is told once', () => {
  const stats = new HttpStats();
  stats.count(recordedExchange());
  stats.count(recordedExchange({ attempts: [recordedAttempt({ backend: 'left' })] }));
  stats.count(recordedExchange({ pool: 'removed' }));
  const isOnRoster: IsOnRoster = (pool, backend) => pool === 'spells' && backend !== 'left';
  expect(trafficOf(stats, isOnRoster)).toHaveLength(2);
  expect(trafficOf(stats, isOnRoster)).toEqual([{ name: 'web/spells', requests: { 'b-0': [0, 0, 1, 0, 0, 0] } }]);
});
