/** A past state, with the eyes of one node. */
import { expect, test } from 'vitest';
import { eventsOf, fullFold, pastOf, sourceOf, START_MS } from '../../testing/past.ts';
import { rosterHash } from '@muster/membership';
import { createReplay } from '../fold/replay.ts';
import { stateView, type StateView, type StateViewOptions } from './state-view.ts';

const seen = (type: string, target: string) => ({ type, target, reason: 'seen' });

const EVENTS = eventsOf(
  ['node.lb-1', { type: 'NodeStarted' }],
  ['node.lb-2', { type: 'NodeStarted' }],
  ['pool.p', { type: 'PoolDefined', health: { tcp: true }, slowStartMs: 10_000 }, 'config:lb-1'],
  ['pool.q', { type: 'PoolDefined' }],
  ['backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' }],
  ['backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80', weight: 2 }],
  ['health.lb-1.p.b-1', seen('BackendTurnedHealthy', '10.0.0.1:80'), 'node:lb-1'],
  ['health.lb-2.p.b-1', seen('BackendTurnedUnhealthy', '10.0.0.1:80'), 'node:lb-2'],
  ['health.lb-1.p.b-2', seen('BackendTurnedHealthy', '10.0.0.2:80'), 'node:lb-1'],
  ['listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'p', nodes: ['lb-2'] }],
);

async function at(text: string, options?: StateViewOptions): Promise<StateView> {
  const replay = createReplay(sourceOf(pastOf(EVENTS)));
  return stateView(replay, await replay.resolve(text, START_MS + 60_000), options);
}

const trafficOf = ({ pools }: StateView) =>
  pools.flatMap(({ backends }) => backends.map(({ id, candidateWeight }) => `${id} ${candidateWeight ?? 'none'}`));

test('each node saw its own; who kept a backend out is named with its event', async () => {
  const own = await at('8');
  expect(trafficOf(own)).toEqual(['b-1 10', 'b-2 none']);
  const others = await at('8', { node: 'lb-2' });
  expect(trafficOf(others)).toEqual(['b-1 none', 'b-2 none']);
  const [first] = others.pools[0]!.backends;
  expect(first).toMatchObject({
    eligibility: { isEligible: false, axis: 'health', value: 'unhealthy', revision: 8 },
    keptOutBy: { revision: 8, origin: 'node:lb-2', type: 'BackendTurnedUnhealthy' },
    observations: [{ node: 'lb-1', health: { value: 'healthy' } }],
  });
  expect(own.listeners).toEqual([]);
  expect((await at('10', { node: 'lb-2' })).listeners).toMatchObject([{ id: 'web', isOnNode: true }]);
  expect((await at('10')).listeners).toMatchObject([{ id: 'web', isOnNode: false }]);
});

test('a moment between two events has the roster of the earlier and weights of its own', async () => {
  const moment = new Date(START_MS + 14_000).toISOString();
  const later = await at(moment);
  expect(later).toMatchObject({ at: { revision: 10 }, hash: rosterHash(fullFold(EVENTS).get(10)!) });
  // 7 s and 5 s after they became eligible, of 10.
  expect(trafficOf(later)).toEqual(['b-1 70', 'b-2 100']);
});

test('one pool alone, and one that was not there yet', async () => {
  expect((await at('10', { pool: 'q' })).pools.map(({ id }) => id)).toEqual(['q']);
  await expect(at('3', { pool: 'q' })).rejects.toMatchObject({ code: 'unknown-pool' });
  await expect(at('3', { node: 'lb-9' })).rejects.toMatchObject({ code: 'invalid-question' });
});

test('before the first event there is nothing, and plain JSON says all', async () => {
  expect(await at('0')).toMatchObject({ pools: [], listeners: [], nodes: [], hash: '0000000000000000' });
  const view = await at('10');
  expect(JSON.parse(JSON.stringify(view))).toEqual(view);
});
