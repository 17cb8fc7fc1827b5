/**
 * The tests of kill -9 under load: of one worker, of all workers, of the node. Only connections through the dead process are lost, a
 * connection that arrives while no worker lives waits and is answered, and the state after a restart is bit-equal.
 * How often is the caller's: a few times in every run, more often in the long one.
 */
import { expect, test } from 'vitest';
import { openEmbeddedJournal } from '@muster/journal-embedded';
import { emptyRoster, fold, rosterHash } from '@muster/membership';
import { join } from 'node:path';
import { startNamedEcho } from '../harness/backend.ts';
import { openClient, type TestClient } from '../harness/client.ts';
import { failuresNotAt, killProcesses, type Kill } from '../harness/processes/kill.ts';
import { startLoad } from '../harness/load.ts';
import { freePort, onePool, startTestNode, testFolder, type TestFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const CLIENTS = 8;
const HELD_CONNECTIONS = 24;

const config = (target: string, port: number) => onePool([target], { port });

async function holdConnections(address: { host: string; port: number }, disposer: AsyncDisposableStack) {
  const held: TestClient[] = [];
  for (let index = 0; index < HELD_CONNECTIONS; index++) {
    const client = disposer.use(await openClient(address));
    await client.greeting();
    held.push(client);
  }
  return held;
}

async function workersServe(node: TestNode, count: number): Promise<number[]> {
  return eventually(`${count} workers serve`, async () => {
    const pids = await node.workerPids();
    return pids.length === count && pids;
  });
}

/** Registers the three tests; `rounds` is how often each kills. */
export function testProcessKills(rounds: number): void {
  test(`kill -9 of one of two workers, ${rounds} times: only its own connections are lost`, async () => {
    await using folder = await testFolder();
    await using backend = await startNamedEcho('b');
    const port = await freePort();
    await using node = await startTestNode({ folder, workers: 2, config: config(backend.target, port) });
    const address = await node.address('front');
    const load = startLoad(address, CLIENTS);
    const kills: Kill[] = [];
    for (let round = 0; round < rounds; round++) {
      const pids = await workersServe(node, 2);
      await using disposer = new AsyncDisposableStack();
      const held = await holdConnections(address, disposer);
      kills.push(await killProcesses(pids[round % 2]!));
      await eventually(
        'a new worker took its place',
        async () => !(await node.workerPids()).includes(pids[round % 2]!),
      );
      const living = held.filter((client) => !client.isClosed());
      expect(living.length).toBeGreaterThan(0);
      await Promise.all(living.map((client) => client.echo('still here')));
    }
    await workersServe(node, 2);
    await load.stop();
    expect(load.succeededCount()).toBeGreaterThan(rounds);
    expect(failuresNotAt(load.failures, kills)).toEqual([]);
    const { workers, hash } = await node.status();
    expect(workers.map((worker) => worker.hash)).toEqual([hash, hash]);
  });

  test(`kill -9 of all workers, ${rounds} times: a connection made while none lives is answered`, async () => {
    await using folder = await testFolder();
    await using backend = await startNamedEcho('b');
    const port = await freePort();
    await using node = await startTestNode({ folder, workers: 2, config: config(backend.target, port) });
    const address = await node.address('front');
    const load = startLoad(address, CLIENTS);
    const kills: Kill[] = [];
    for (let round = 0; round < rounds; round++) {
      const pids = await workersServe(node, 2);
      kills.push(await killProcesses(...pids));
      await eventually('they are gone', async () => (await node.workerPids()).every((pid) => !pids.includes(pid)));
      await using waiting = await openClient(address);
      expect(await waiting.greeting()).toBe('b');
    }
    await workersServe(node, 2);
    await load.stop();
    expect(load.succeededCount()).toBeGreaterThan(rounds);
    expect(failuresNotAt(load.failures, kills)).toEqual([]);
  });

  test(`kill -9 of the node, ${rounds} times: the state after a restart is bit-equal, and events go on`, async () => {
    await using folder = await testFolder();
    await using backend = await startNamedEcho('b');
    const port = await freePort();
    for (let round = 0; round < rounds; round++) {
      await using node = await startTestNode({ folder, workers: 1, config: config(backend.target, port) });
      const load = startLoad(await node.address('front'), 2);
      const acknowledged: number[] = [];
      for (let index = 0; index < 10; index++) {
        const outcome = await node.command({
          type: 'RegisterBackend',
          pool: 'p',
          backend: `b-${index + 2}`,
          target: backend.target,
          weight: 1 + ((round + index) % 7),
        });
        if (outcome.outcome === 'appended') acknowledged.push(outcome.revision);
      }
      expect(acknowledged.length).toBeGreaterThan(0);
      const { revision, hash } = await node.status();
      await node.process.end('SIGKILL');
      await load.stop();
      expect(load.succeededCount()).toBeGreaterThan(0);
      const replayed = await replay(folder, revision);
      expect(replayed.hash).toBe(hash);
      expect(acknowledged.filter((appended) => !replayed.revisions.has(appended))).toEqual([]);
    }
  });
}

/** The journal's whole content, folded from the first event up to one revision. */
async function replay(folder: TestFolder, toRevision: number) {
  const journal = await openEmbeddedJournal({ path: join(folder.path, 'lb-1.journal') });
  await using _journal = journal;
  let roster = emptyRoster('default');
  const revisions = new Set<number>();
  for await (const event of journal.read({ toRevision })) {
    revisions.add(event.revision);
    roster = fold(roster, event).roster;
  }
  return { hash: rosterHash(roster), revisions };
}
