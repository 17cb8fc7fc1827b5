/** What changed between two moments, and which event changed it. */
import { generatedHistory } from '@muster/membership/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffView } from './diff-view.ts';
import { eventsOf, pastOf, sourceOf } from '../../testing/past.ts';
import { createReplay } from '../fold/replay.ts';
import { stateView } from './state-view.ts';

test('added, removed, changed: old and new value, and the event', async () => {
  const events = eventsOf(
    ['pool.p', { type: 'PoolDefined' }],
    ['backend.p.b-1', { type: 'BackendRegistered', target: 'a:1' }],
    ['backend.p.b-2', { type: 'BackendRegistered', target: 'a:2' }],
    ['backend.p.b-1', { type: 'BackendModeSet', mode: 'drain', reason: 'deploy' }, 'cli:alice'],
    ['backend.p.b-2', { type: 'BackendDeregistered' }, 'k8s'],
    ['backend.p.b-3', { type: 'BackendRegistered', target: 'a:3' }],
    ['pool.p', { type: 'PoolDefined', policy: 'random' }],
  );
  const replay = createReplay(sourceOf(pastOf(events)));
  const view = await diffView(replay, { from: await replay.resolve('3', 0), to: await replay.resolve('7', 0) });
  expect(view.changes.map(({ kind, id, change, by }) => [kind, id, change, by?.revision])).toEqual([
    ['pool', 'p', 'changed', 7],
    ['backend', 'b-1', 'changed', 4],
    ['backend', 'b-2', 'removed', 5],
    ['backend', 'b-3', 'added', 6],
  ]);
  expect(view.changes[0]!.fields).toMatchObject([
    { field: 'policy', before: { value: 'round_robin' }, after: { value: 'random' } },
  ]);
  expect(view.changes[1]!.fields[0]).toMatchObject({ field: 'mode', by: { origin: 'cli:alice', reason: 'deploy' } });
  await expect(diffView(replay, { from: view.to, to: view.from })).rejects.toMatchObject({ code: 'invalid-question' });
});

test('defined anew: without a field that it had, and with nothing changed at all', async () => {
  const events = eventsOf(
    ['pool.p', { type: 'PoolDefined', slowStartMs: 5 }],
    ['pool.p', { type: 'PoolDefined' }],
    ['pool.p', { type: 'PoolDefined' }],
  );
  const replay = createReplay(sourceOf(pastOf(events)));
  const [first, second, third] = [
    await replay.resolve('1', 0),
    await replay.resolve('2', 0),
    await replay.resolve('3', 0),
  ];
  const without = await diffView(replay, { from: first, to: second });
  expect(without.changes).toMatchObject([
    { by: { revision: 2 }, fields: [{ field: 'slowStartMs', before: { value: 5 }, after: null, by: { revision: 2 } }] },
  ]);
  const same = await diffView(replay, { from: second, to: third });
  expect(same.changes).toMatchObject([{ change: 'changed', by: { revision: 3 }, fields: [] }]);
});

test('of any two moments: plain JSON, every event lies between them, and nothing differs where the hashes are equal', async () => {
  const history = generatedHistory.filter((events) => events.length > 1);
  await fc.assert(
    fc.asyncProperty(history, fc.nat(), fc.nat(), async (events, left, right) => {
      const [first, last] = [left % events.length, right % events.length].sort((a, b) => a - b);
      const replay = createReplay(sourceOf(pastOf(events)));
      const from = await replay.resolve(String(events[first!]!.revision), 0);
      const to = await replay.resolve(String(events[last!]!.revision), 0);
      const view = await diffView(replay, { from, to });
      expect(JSON.parse(JSON.stringify(view))).toEqual(view);
      expect(view.changes.length === 0).toBe(view.fromHash === view.toHash);
      for (const { by } of view.changes) {
        expect(by).not.toBeNull();
        expect(by!.revision).toBeGreaterThan(from.revision);
        expect(by!.revision).toBeLessThanOrEqual(to.revision);
      }
      const state = await stateView(replay, to);
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }),
    { numRuns: 150 },
  );
});
