/**
 * The moment a target leaves the set, every connection to it is closed, on all workers; those to others live on (I4).
 */
import { expect, test } from 'vitest';
import type { CommandInput } from '@muster/membership';
import { startNamedEcho } from '../harness/backend.ts';
import { openClient, type TestClient } from '../harness/client.ts';
import { onePool, startTestNode, testFolder } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const CONNECTIONS = 60;
const CLOSED_WITHIN_MS = 50;
/** The time is taken on a machine that may be busy with something else: the fastest of a few rounds counts. */
const ROUNDS = 4;

async function openMany(address: { host: string; port: number }, disposer: AsyncDisposableStack) {
  const byName = new Map<string, TestClient[]>();
  for (let index = 0; index < CONNECTIONS; index++) {
    const client = disposer.use(await openClient(address));
    const name = await client.greeting();
    byName.set(name, [...(byName.get(name) ?? []), client]);
  }
  return byName;
}

test.each<[string, (elsewhere: string) => CommandInput]>([
  ['removed', () => ({ type: 'DeregisterBackend', pool: 'p', backend: 'b-1' })],
  ['retargeted', (target) => ({ type: 'RegisterBackend', pool: 'p', backend: 'b-1', target })],
])("a %s backend's connections close within 50 ms on all workers while the others' live on", async (_what, command) => {
  await using disposer = new AsyncDisposableStack();
  const folder = disposer.use(await testFolder());
  const leaving = disposer.use(await startNamedEcho('leaving'));
  const staying = disposer.use(await startNamedEcho('staying'));
  const elsewhere = disposer.use(await startNamedEcho('elsewhere'));
  const node = disposer.use(
    await startTestNode({
      folder,
      workers: 2,
      config: onePool([leaving.target, staying.target]),
    }),
  );
  const address = await node.address('front');
  const register = { type: 'RegisterBackend', pool: 'p', backend: 'b-1', target: leaving.target } as const;
  let fastestMs = Infinity;
  for (let round = 0; round < ROUNDS && fastestMs >= CLOSED_WITHIN_MS; round++) {
    await node.command(register);
    await using connections = new AsyncDisposableStack();
    const byName = await openMany(address, connections);
    const [closing, living] = [byName.get('leaving')!, byName.get('staying')!];
    expect(closing.length).toBeGreaterThan(10);
    expect(living.length).toBeGreaterThan(10);

    expect(await node.command(command(elsewhere.target))).toMatchObject({ outcome: 'appended' });
    const acknowledgedMs = performance.now();
    await eventually('all its connections are closed', () => closing.every((client) => client.isClosed()));
    fastestMs = Math.min(fastestMs, Math.max(...closing.map((client) => client.closedMs()!)) - acknowledgedMs);
    await Promise.all(living.map((client, index) => client.echo(`still here ${index}`)));
    expect(living.some((client) => client.isClosed())).toBe(false);
    const after = await openMany(address, connections);
    expect(after.has('leaving')).toBe(false);
  }
  expect(fastestMs).toBeLessThan(CLOSED_WITHIN_MS);
});

test('a draining backend keeps its connections until its drain timeout, and gets no new ones', async () => {
  await using disposer = new AsyncDisposableStack();
  const folder = disposer.use(await testFolder());
  const draining = disposer.use(await startNamedEcho('draining'));
  const staying = disposer.use(await startNamedEcho('staying'));
  const node = disposer.use(
    await startTestNode({
      folder,
      workers: 2,
      config: onePool([draining.target, staying.target], { poolLines: 'drainTimeoutMs = 2000' }),
    }),
  );
  const address = await node.address('front');
  const held = (await openMany(address, disposer)).get('draining')!;
  expect(await node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' })).toMatchObject({
    outcome: 'appended',
  });
  await eventually('no new connection goes there', async () => {
    await using rest = new AsyncDisposableStack();
    const names = [...(await openMany(address, rest)).keys()];
    return names.length === 1 && names[0] === 'staying';
  });
  await Promise.all(held.map((client, index) => client.echo(`finishing ${index}`)));
  await eventually('the drain timeout closes them', () => held.every((client) => client.isClosed()));
});
