/**
 * Fault: everything is published two and three times with the same ids, in another order by each of two publishers on
 * different servers at once, with poison in between. Each event counts once, what makes no sense where it stands is passed over, and
 * all nodes hold and show the same as a fold from the first event.
 */
import { expect } from 'vitest';
import type { MembershipEventInput, RejectionReason } from '@muster/membership';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { EventWriter } from '../harness/event-writer.ts';
import { startLoad } from '../harness/load.ts';
import type { TestNode } from '../harness/node.ts';
import { poison } from '../harness/poison.ts';
import { rounds } from '../harness/processes/rounds.ts';

const BACKENDS = 40;
const IN_FLIGHT = 16;
const SENDER = 'test:sender';
const POISONER = 'test:poisoner';

interface Publication {
  readonly id: string;
  readonly entity: string;
  readonly payload: string | Uint8Array;
  readonly origin: string;
}

/** A backend's whole life, and what is said of it at a wrong time or of a target that it does not have. */
function life(round: number, backend: string): Publication[] {
  const target = '127.0.0.1:9';
  const events: [entity: string, MembershipEventInput][] = [
    [`backend.q.${backend}`, { type: 'BackendModeSet', mode: 'drain' }],
    [`backend.q.${backend}`, { type: 'BackendDeregistered' }],
    [`health.watcher.q.${backend}`, { type: 'BackendTurnedUnhealthy', target, reason: 'too early' }],
    [`backend.q.${backend}`, { type: 'BackendRegistered', target }],
    [`backend.q.${backend}`, { type: 'BackendRegistered', target, weight: 7, leaseMs: 3_600_000 }],
    [`health.watcher.q.${backend}`, { type: 'BackendTurnedHealthy', target, reason: 'status 200' }],
    [`health.watcher.q.${backend}`, { type: 'BackendEjected', target: 'other:9', reason: 'another target' }],
    [`backend.q.${backend}`, { type: 'BackendRegistered', target: 'moved:9' }],
    [`health.watcher.q.${backend}`, { type: 'BackendTurnedUnhealthy', target, reason: 'too late' }],
  ];
  return events.map(([entity, event], index) => ({
    id: `${round}.${backend}.${index}`,
    entity,
    payload: JSON.stringify(event),
    origin: SENDER,
  }));
}

/** Fisher and Yates, with a generator of its own (Park and Miller), so that a seed is an order. */
function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  const result = [...items];
  let state = seed;
  for (let last = result.length - 1; last > 0; last--) {
    state = (state * 48_271) % 2_147_483_647;
    const other = state % (last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

async function publishAll(writer: EventWriter, publications: readonly Publication[]): Promise<void> {
  const waiting = publications.values();
  const lane = async (): Promise<void> => {
    for (const { entity, payload, id, origin } of waiting) await writer.publishText(entity, payload, { id, origin });
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

interface Rejected {
  readonly revision: number;
  readonly reason: string;
  readonly origin: string | null;
}

async function rejectedBy(node: TestNode): Promise<Rejected[]> {
  const { code, output } = await node.muster('events', '--rejected', '--from', '1', '--json');
  expect(code).toBe(0);
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Omit<Rejected, 'reason'> & { rejection: { reason: string } });
  return lines.map(({ revision, origin, rejection: { reason } }) => ({ revision, reason, origin }));
}

test('events come twice, in other orders, over two servers, with poison in between', async () => {
  await using cluster = await TestCluster.start({ natsLines: 'max_payload: 9MB' });
  const nodes = await cluster.startNodes(3);
  const loads = await Promise.all(nodes.map(async (node) => startLoad(await node.address('front'), 1)));
  await using one = await EventWriter.open([cluster.nats.urls[0]!], CLUSTER);
  await using two = await EventWriter.open([cluster.nats.urls[1]!], CLUSTER);
  await cluster.writer.publish('pool.q', { type: 'PoolDefined' });
  const reasonById = new Map<string, RejectionReason>();
  for (let round = 0; round < rounds(2); round++) {
    const lives = Array.from({ length: BACKENDS }, (_, index) => life(round, `b-${index}`)).flat();
    const poisoned = poison().map(({ entity, payload, reason }, index): Publication => {
      const id = `${round}.poison.${index}`;
      reasonById.set(id, reason);
      return { id, entity, payload, origin: POISONER };
    });
    const all = [...lives, ...poisoned];
    await Promise.all([
      publishAll(one, [...shuffled(all, 2 * round + 1), ...lives]),
      publishAll(two, shuffled(all, 2 * round + 2)),
    ]);
    const last = await cluster.writer.publish('pool.last', { type: 'PoolDefined' });
    const { tookMs } = await cluster.agreed({ minRevision: last, withinMs: 2_000 });
    process.stdout.write(`${JSON.stringify({ round, revision: last, agreedMs: Math.round(tookMs) })}\n`);
  }
  expect(two.revisionById).toEqual(one.revisionById);

  await cluster.expectSound();
  const { messages, rejections } = await cluster.stream();
  expect(one.faults(messages)).toEqual([]);
  const originByRevision = new Map(messages.map(({ revision, origin }) => [revision, origin]));
  const expected = rejections.map(({ revision, reason }) => ({
    revision,
    reason,
    origin: originByRevision.get(revision),
  }));
  const reasonByRevision = new Map(rejections.map(({ revision, reason }) => [revision, reason]));
  for (const [id, reason] of reasonById) expect(reasonByRevision.get(one.revisionById.get(id)!)).toBe(reason);
  expect(expected.length).toBeGreaterThan(2 * reasonById.size);
  for (const node of nodes) {
    expect(await rejectedBy(node)).toEqual(expected);
    const { rejectedCount, workers } = await node.status();
    expect(rejectedCount).toBe(expected.length);
    expect(workers.map(({ restartsCount }) => restartsCount)).toEqual([0]);
  }
  const shown = (await nodes[0]!.muster('events', '--rejected', '--from', '1')).output;
  for (const reason of new Set(reasonById.values())) {
    expect(shown).toMatch(new RegExp(`rejected ${reason}: .* from ${POISONER}: `));
  }
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
  for (const load of loads) expect(load.succeededCount()).toBeGreaterThan(10);
});
