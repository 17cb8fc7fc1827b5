/** Why a backend took traffic or did not, on every axis, and what would bring it back. */
import type { Observation } from '@muster/observations';
import { expect, test } from 'vitest';
import { eventsOf, pastOf, sourceOf, START_MS, type Past } from '../../testing/past.ts';
import { createReplay } from '../fold/replay.ts';
import { explainBackend, type BackendExplanation, type MemberExplanation } from './explain-backend.ts';

const TARGET = '10.0.0.1:80';
const POOL = { type: 'PoolDefined', health: { tcp: true, intervalMs: 1_000, rise: 2, fall: 3 } };
const REGISTERED = { type: 'BackendRegistered', target: TARGET };
const HEALTHY = { type: 'BackendTurnedHealthy', target: TARGET, reason: 'probe passed' };
const UNHEALTHY = { type: 'BackendTurnedUnhealthy', target: TARGET, reason: 'connection refused' };

async function explained(past: Past, options: { node?: string; at?: string } = {}): Promise<BackendExplanation> {
  const replay = createReplay(sourceOf(past));
  const at = await replay.resolve(options.at ?? 'now', START_MS + 3_600_000);
  const node = options.node === undefined ? {} : { node: options.node };
  return explainBackend(replay, { pool: 'p', backend: 'b-1', at, ...node });
}

async function member(past: Past, options?: { node?: string; at?: string }): Promise<MemberExplanation> {
  const explanation = await explained(past, options);
  if (!explanation.isMember) throw new Error('it was no member');
  expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
  return explanation;
}

function probe(atSeconds: number, passed: boolean): Observation {
  const [code, reason] = passed ? [null, null] : ['refused', 'connection refused'];
  const timeMs = START_MS + atSeconds * 1_000 - 10;
  return { kind: 'probe', timeMs, pool: 'p', backend: 'b-1', target: TARGET, passed, code, reason, durationMs: 1 };
}

test('one that is eligible: since the newest event that it owes that to', async () => {
  const past = pastOf(eventsOf(['pool.p', POOL], ['backend.p.b-1', REGISTERED], ['health.lb-1.p.b-1', HEALTHY]));
  const explanation = await member(past);
  expect(explanation).toMatchObject({
    eligibility: { isEligible: true },
    isCandidate: true,
    sinceMs: START_MS + 3_000,
    by: { revision: 3, type: 'BackendTurnedHealthy' },
    returnsWith: [],
  });
});

test('one that was drained: by whom, why, and how it comes back', async () => {
  const drained = { type: 'BackendModeSet', mode: 'drain', reason: 'deploy' };
  const past = pastOf(
    eventsOf(
      ['pool.p', { type: 'PoolDefined' }],
      ['backend.p.b-1', REGISTERED],
      ['backend.p.b-1', drained, 'cli:alice'],
    ),
  );
  expect(await member(past)).toMatchObject({
    eligibility: { isEligible: false, axis: 'mode' },
    by: { revision: 3, origin: 'cli:alice', reason: 'deploy' },
    sinceMs: START_MS + 3_000,
    returnsWith: ['`muster backend ready p b-1`'],
  });
});

test('one that turned unhealthy: the probes that decided, the policy of then, and what has passed since', async () => {
  const past = pastOf(
    eventsOf(
      ['pool.p', POOL],
      ['backend.p.b-1', REGISTERED],
      ['health.lb-1.p.b-1', HEALTHY],
      ['listener.x', { type: 'ListenerDefined', bind: '127.0.0.1:0', pool: 'p' }],
      ['listener.x', { type: 'ListenerDefined', bind: '127.0.0.1:0', pool: 'p' }],
      ['listener.x', { type: 'ListenerDefined', bind: '127.0.0.1:0', pool: 'p' }],
      ['health.lb-1.p.b-1', UNHEALTHY],
      ['pool.p', { ...POOL, health: { ...POOL.health, rise: 5 } }],
    ),
  );
  const seen = [probe(3, true), probe(4, true), probe(5, false), probe(6, false), probe(7, false), probe(7.5, true)];
  past.observations = [...past.observations, ...seen].sort((left, right) => left.timeMs - right.timeMs);
  const explanation = await member(past);
  expect(explanation).toMatchObject({ eligibility: { axis: 'health', value: 'unhealthy' }, by: { revision: 7 } });
  const evidence = explanation.axes[1]!.evidence!;
  expect(evidence).toMatchObject({ kind: 'probes', policy: { fall: 3, rise: 2 }, missing: null });
  expect(evidence.kind === 'probes' && evidence.probes.map(({ passed }) => passed)).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(explanation.returnsWith).toEqual([
    '5 passed probes in a row (rise) on node lb-1, one every 200 ms while they pass; 1 of 5 had passed by then',
  ]);
});

test('one that another node calls unhealthy: its probes are kept there', async () => {
  const past = pastOf(
    eventsOf(
      ['pool.p', POOL],
      ['backend.p.b-1', REGISTERED],
      ['node.lb-2', { type: 'NodeStarted' }],
      ['health.lb-2.p.b-1', UNHEALTHY],
    ),
  );
  const explanation = await member(past, { node: 'lb-2' });
  expect(explanation.eligibility).toMatchObject({ isEligible: false, axis: 'health', revision: 4 });
  expect(explanation.axes[1]!.evidence!.missing).toContain('what node lb-2 saw is kept on node lb-2');
  expect(await member(past)).toMatchObject({
    eligibility: { axis: 'health', value: 'unknown' },
    returnsWith: ['one passed probe on node lb-1: the first probe of a target decides alone'],
  });
});

test('one that a majority calls unhealthy: every vote, with its event, and how many have to change', async () => {
  const past = pastOf(
    eventsOf(
      ['pool.p', { ...POOL, healthView: 'quorum' }],
      ['backend.p.b-1', REGISTERED],
      ...['lb-1', 'lb-2', 'lb-3'].map((node): [string, object] => [`node.${node}`, { type: 'NodeStarted' }]),
      ['health.lb-1.p.b-1', HEALTHY],
      ['health.lb-2.p.b-1', UNHEALTHY],
      ['health.lb-3.p.b-1', UNHEALTHY],
    ),
  );
  const explanation = await member(past);
  expect(explanation.by).toMatchObject({ revision: 8 });
  expect(explanation.eligibility).toMatchObject({ reason: '2 of 3 nodes: lb-2, lb-3: connection refused' });
  expect(explanation.votes!.map(({ node, health, by }) => [node, health.value, by?.revision])).toEqual([
    ['lb-1', 'healthy', 6],
    ['lb-2', 'unhealthy', 7],
    ['lb-3', 'unhealthy', 8],
  ]);
  expect(explanation.returnsWith[0]).toMatch(/^fewer than 2 of 3 nodes that call it unhealthy \(now 2\): one of them/);
});

test('one that was ejected: what its traffic showed, and when that ends', async () => {
  const reason = '5 failures in a row: status 503; out for 30 s';
  const past = pastOf(
    eventsOf(
      ['pool.p', { type: 'PoolDefined' }],
      ['backend.p.b-1', REGISTERED],
      ['health.lb-1.p.b-1', { type: 'BackendEjected', target: TARGET, reason }],
    ),
  );
  past.observations.push({
    kind: 'outlier',
    timeMs: START_MS + 2_990,
    pool: 'p',
    backend: 'b-1',
    target: TARGET,
    failures: 5,
    reason: '5 failures in a row: status 503',
  });
  const explanation = await member(past);
  expect(explanation).toMatchObject({
    eligibility: { axis: 'ejection', revision: 3 },
    ejectionEndMs: START_MS + 33_000,
    returnsWith: [`its ejection ends at ${new Date(START_MS + 33_000).toISOString()}`],
  });
  expect(explanation.axes[2]!.evidence).toMatchObject({ kind: 'outliers', outliers: [{ failures: 5 }], missing: null });
});

test('one with several obstacles: each has to go', async () => {
  const past = pastOf(
    eventsOf(
      ['pool.p', POOL],
      ['backend.p.b-1', REGISTERED],
      ['health.lb-1.p.b-1', UNHEALTHY],
      ['backend.p.b-1', { type: 'BackendModeSet', mode: 'maint' }],
    ),
  );
  const explanation = await member(past);
  expect(explanation.axes.map(({ axis, isKeepingOut }) => [axis, isKeepingOut])).toEqual([
    ['mode', true],
    ['health', true],
    ['ejection', false],
  ]);
  expect(explanation.returnsWith).toHaveLength(2);
});

test('one that is gone: what removed it; one that never was: refused with what was meant', async () => {
  const past = pastOf(
    eventsOf(
      ['pool.p', POOL],
      ['backend.p.b-1', REGISTERED],
      ['backend.p.b-1', { type: 'BackendDeregistered', reason: 'scaled in' }, 'k8s'],
      ['backend.p.b-2', REGISTERED],
      ['pool.p', { type: 'PoolRemoved' }],
    ),
  );
  expect(await explained(past)).toMatchObject({ isMember: false, by: { revision: 3, origin: 'k8s' } });
  expect(await explained(past, { at: '4' })).toMatchObject({
    returnsWith: [expect.stringContaining('registers again')],
  });
  const replay = createReplay(sourceOf(past));
  const at = await replay.resolve('4', 0);
  const question = explainBackend(replay, { pool: 'p', backend: 'b-22', at });
  await expect(question).rejects.toMatchObject({ code: 'unknown-backend', message: expect.stringContaining('"b-2"') });
});
