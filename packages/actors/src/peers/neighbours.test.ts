/** What the other nodes have bound: told at each change, and forgotten when they are gone for good. */
import { emptyRoster, foldBatch, LEASE_EXPIRED, type BoundAddresses, type Roster } from '@muster/membership';
import { expect, test } from 'vitest';
import { Neighbours } from './neighbours.ts';

const MINUTE_MS = 60_000;

const boundTo = (admin: string): BoundAddresses => ({ machine: 'm', hosts: [], admin, listeners: [] });

function watched() {
  const told: string[] = [];
  let elapsedMs = 0;
  const neighbours = new Neighbours({
    clock: { elapsedMs: () => elapsedMs },
    onNeighbours: (all) => told.push(all.map(({ node, bound }) => `${node} ${bound.admin}`).join(', ')),
  });
  return { neighbours, told, pass: (ms: number) => (elapsedMs += ms) };
}

function nodesAfter(...payloads: readonly object[]): Roster['nodes'] {
  const events = payloads.map((payload, index) => ({
    revision: index + 1,
    timeMs: index,
    id: `${index}`,
    origin: 'node:lb-2',
    subject: 'muster.test.node.lb-2',
    payload: JSON.stringify(payload),
  }));
  return foldBatch(emptyRoster('test'), events).roster.nodes;
}

const STARTED = { type: 'NodeStarted', workers: 1 };

test('each change is told once, with all nodes', () => {
  const { neighbours, told } = watched();
  neighbours.hear({ node: 'lb-2', bound: boundTo('10.0.0.2:9900') });
  neighbours.hear({ node: 'lb-2', bound: boundTo('10.0.0.2:9900') });
  neighbours.hear({ node: 'lb-3', bound: undefined });
  neighbours.hear({ node: 'lb-4', bound: boundTo('10.0.0.4:9900') });
  neighbours.hear({ node: 'lb-2', bound: boundTo('10.0.0.2:9901') });
  expect(told).toEqual([
    'lb-2 10.0.0.2:9900',
    'lb-2 10.0.0.2:9900, lb-4 10.0.0.4:9900',
    'lb-4 10.0.0.4:9900, lb-2 10.0.0.2:9901',
  ]);
});

test('one that stopped by itself is forgotten, and one that others declared dead is kept: it may still serve', () => {
  const { neighbours, told } = watched();
  neighbours.hear({ node: 'lb-2', bound: boundTo('10.0.0.2:9900') });
  neighbours.sync(nodesAfter(STARTED));
  neighbours.sync(nodesAfter(STARTED, { type: 'NodeStopped', reason: LEASE_EXPIRED }));
  expect(told).toHaveLength(1);
  neighbours.sync(nodesAfter(STARTED, { type: 'NodeStopped', reason: 'SIGTERM' }));
  expect(told.slice(1)).toEqual(['']);
});

test('one that is silent is kept for ten minutes', () => {
  const { neighbours, told, pass } = watched();
  neighbours.hear({ node: 'lb-2', bound: boundTo('10.0.0.2:9900') });
  pass(9 * MINUTE_MS);
  neighbours.sweep();
  expect(told).toHaveLength(1);
  pass(2 * MINUTE_MS);
  neighbours.sweep();
  expect(told.slice(1)).toEqual(['']);
});
