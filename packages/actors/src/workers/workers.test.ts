/** Workers and listeners of a node: what they are told, how they are kept alive, and how they end. */
import { rosterHash } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { SimulatedWorld } from '../../testing/simulated-world.ts';

const BIND = '127.0.0.1:8080';
const OTHER_BIND = '127.0.0.1:8081';

async function worldWithListener({ workers = 1 } = {}): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined', drainTimeoutMs: 7_000 });
  await world.publish('listener.web', { type: 'ListenerDefined', bind: BIND, pool: 'p' });
  await world.start({ workers });
  return world;
}

describe('workers', () => {
  test('get the roster, then the sockets, then events as they come, and agree on the hash', async () => {
    await using world = await worldWithListener({ workers: 2 });
    await world.node.ready();
    await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
    await world.clock.settle();
    for (const worker of world.workers) {
      expect(worker.received.map(({ kind }) => kind).filter((kind) => kind !== 'events')).toEqual(['roster', 'listen']);
      expect(worker.ofKind('listen')[0]!.socket!.boundAddress).toBe(BIND);
      expect(rosterHash(worker.roster)).toBe(rosterHash(world.node.roster()));
    }
    expect(world.node.status().workers.map(({ state, hash }) => [state, hash])).toEqual(
      Array.from({ length: 2 }, () => ['serving', world.node.status().hash]),
    );
  });

  test('one that dies is started again, with the roster, what came after it, and the sockets', async () => {
    await using world = await worldWithListener();
    world.workers[0]!.exit('killed by SIGKILL');
    await world.clock.settle();
    expect(world.node.status().workers[0]).toMatchObject({ state: 'restarting', pid: null });
    await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
    await world.clock.advance(200);
    expect(world.workers).toHaveLength(2);
    expect(rosterHash(world.workers[1]!.roster)).toBe(rosterHash(world.node.roster()));
    expect(world.workers[1]!.ofKind('listen')).toHaveLength(1);
    expect(world.node.status().workers[0]).toMatchObject({ state: 'serving', restartsCount: 1 });
    expect(world.sockets.closedCount).toBe(0);
  });

  test('one that keeps dying is started for ever, every 5 s at last, and each end is an error in the log', async () => {
    await using world = await worldWithListener();
    for (let ends = 0; ends < 12; ends++) {
      world.workers.at(-1)!.exit('exit code 1');
      await world.clock.advance(5_001);
    }
    expect(world.workers).toHaveLength(13);
    expect(world.logged('error').length).toBeGreaterThanOrEqual(7);
    await world.clock.advance(20_000);
    world.workers.at(-1)!.exit('exit code 1');
    await world.clock.advance(101);
    expect(world.workers).toHaveLength(14);
  });

  test('its fast ends are told from slow ones by a clock that does not step', async () => {
    await using world = await worldWithListener();
    for (let ends = 0; ends < 5; ends++) {
      world.clock.step(ends % 2 === 0 ? 3_600_000 : -3_600_000);
      world.workers.at(-1)!.exit('exit code 1');
      await world.clock.advance(5_001);
    }
    expect(world.logged('error')).toEqual(['worker 0 ended (exit code 1) and is started again']);
  });

  test('I9: a slow worker holds at most 10,000 events, and starts over when the tail has left it behind', async () => {
    await using world = await worldWithListener();
    const [worker] = world.workers;
    worker!.isStalled = true;
    for (let index = 0; index < 45_000; index++) {
      const mode = index % 2 === 0 ? 'drain' : 'ready';
      await world.publish('backend.p.b-1', { type: 'BackendModeSet', mode });
    }
    while (world.node.status().revision < 45_000) await world.clock.settle();
    const sentCount = worker!.ofKind('events').reduce((count, { events }) => count + events.length, 0);
    expect(sentCount).toBeLessThan(11_100);
    worker!.resume();
    await world.clock.advance(100);
    while (worker!.roster.revision < world.node.status().revision) await world.clock.settle();
    expect(worker!.ofKind('roster')).toHaveLength(2);
    expect(rosterHash(worker!.roster)).toBe(rosterHash(world.node.roster()));
  });

  test('I1: another hash at the same revision is an error in the log, and a fresh roster', async () => {
    await using world = await worldWithListener();
    const [worker] = world.workers;
    worker!.falseHash = '0000000000000000';
    await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
    await world.clock.settle();
    worker!.falseHash = null;
    await world.clock.settle();
    expect(world.logged('error').join()).toContain('worker 0 holds another roster at revision 4');
    expect(worker!.ofKind('roster')).toHaveLength(2);
  });

  test('told twice to drain, they take the shorter time, whichever came first', async () => {
    await using world = await worldWithListener();
    await world.node.ready();
    world.workers[0]!.isStalled = true;
    const stopping = world.node.stop({ drainTimeoutMs: 3_000 });
    await world.clock.advance(1_000);
    void world.node.stop({ drainTimeoutMs: 60_000 });
    await world.clock.advance(3_999);
    expect(world.workers[0]!.isAlive).toBe(true);
    await world.clock.advance(1);
    expect(world.workers[0]!.isAlive).toBe(false);
    await world.stop();
    await stopping;
  });

  test('at the stop they drain; one that does not end is killed', async () => {
    await using world = await worldWithListener({ workers: 2 });
    world.workers[1]!.isStalled = true;
    await world.stop({ drainTimeoutMs: 3_000 });
    expect(world.workers.map((worker) => worker.ofKind('drain').map(({ timeoutMs }) => timeoutMs))).toEqual([
      [3_000],
      [3_000],
    ]);
    expect(world.logged('warn')).toEqual(['worker 1 did not end in time and is killed']);
    expect(world.leaks()).toEqual([]);
  });
});

describe('listeners', () => {
  test('a taken address is tried again until it is free, and the reason is shown', async () => {
    const world = new SimulatedWorld();
    await using _ = world;
    world.sockets.takenBinds.add(BIND);
    await world.publish('pool.p', { type: 'PoolDefined' });
    await world.publish('listener.web', { type: 'ListenerDefined', bind: BIND, pool: 'p' });
    await world.start({ workers: 1 });
    await world.node.ready();
    const reason = `${BIND} is taken by another process`;
    const failed = { id: 'web', state: 'failed', boundAddress: null, reason, revision: 2, appliedRevision: null };
    expect(world.node.status().listeners).toEqual([failed]);
    await world.clock.advance(20_000);
    world.sockets.takenBinds.clear();
    await world.clock.advance(5_000);
    expect(world.node.status().listeners[0]).toMatchObject({
      state: 'listening',
      boundAddress: BIND,
      reason: null,
      appliedRevision: 2,
    });
    expect(world.logged('error')).toHaveLength(1);
  });

  test('a changed spec with the same bind is told without a socket', async () => {
    await using world = await worldWithListener();
    await world.publish('listener.web', { type: 'ListenerDefined', bind: BIND, pool: 'p', idleTimeoutMs: 1_000 });
    await world.clock.settle();
    const [first, second] = world.workers[0]!.ofKind('listen');
    expect(first!.socket).toBeDefined();
    expect(second!.socket).toBeUndefined();
    expect(second!.listener.spec.idleTimeoutMs).toBe(1_000);
    expect(world.workers[0]!.ofKind('unlisten')).toEqual([]);
  });

  test('another bind is opened before the old one is closed, and others are not disturbed', async () => {
    await using world = await worldWithListener();
    await world.publish('listener.other', { type: 'ListenerDefined', bind: '127.0.0.1:9090', pool: 'p' });
    await world.clock.settle();
    world.sockets.takenBinds.add(OTHER_BIND);
    await world.publish('listener.web', { type: 'ListenerDefined', bind: OTHER_BIND, pool: 'p' });
    await world.clock.advance(3_000);
    expect([...world.sockets.openByBind.keys()]).toEqual([BIND, '127.0.0.1:9090']);
    world.sockets.takenBinds.clear();
    await world.clock.advance(5_000);
    expect([...world.sockets.openByBind.keys()]).toEqual(['127.0.0.1:9090', OTHER_BIND]);
    const told = world.workers[0]!.received.filter(({ kind }) => kind === 'listen' || kind === 'unlisten');
    expect(told.map(({ kind }) => kind)).toEqual(['listen', 'listen', 'unlisten', 'listen']);
  });

  test('back to the old bind before the new one could be had', async () => {
    await using world = await worldWithListener();
    world.sockets.takenBinds.add(OTHER_BIND);
    await world.publish('listener.web', { type: 'ListenerDefined', bind: OTHER_BIND, pool: 'p' });
    await world.clock.settle();
    await world.publish('listener.web', { type: 'ListenerDefined', bind: BIND, pool: 'p' });
    await world.clock.settle();
    expect(world.node.status().listeners[0]).toMatchObject({ state: 'listening', boundAddress: BIND, reason: null });
    expect(world.clock.armedCount).toBe(0);
  });

  test('a removed one is given up with the drain timeout of its pool, and its socket is closed', async () => {
    await using world = await worldWithListener();
    await world.execute({ type: 'RemoveListener', listener: 'web' });
    await world.clock.settle();
    expect(world.workers[0]!.ofKind('unlisten')).toEqual([{ kind: 'unlisten', id: 'web', drainTimeoutMs: 7_000 }]);
    expect(world.sockets.openByBind.size).toBe(0);
    expect(world.node.status().listeners).toEqual([]);
  });

  test('one with routes is given up with the longest drain timeout of all its pools', async () => {
    await using world = await worldWithListener();
    await world.publish('pool.q', { type: 'PoolDefined', drainTimeoutMs: 9_000 });
    const routes = [{ pool: 'p' }, { path: '/q', pool: 'q' }, { path: '/unknown', pool: 'unknown' }];
    await world.publish('listener.web', { type: 'ListenerDefined', bind: BIND, protocol: 'http', routes });
    await world.execute({ type: 'RemoveListener', listener: 'web' });
    await world.clock.settle();
    expect(world.workers[0]!.ofKind('unlisten')).toEqual([{ kind: 'unlisten', id: 'web', drainTimeoutMs: 9_000 }]);
  });

  test('one that names other nodes does not exist here, and comes and goes with its redefinitions', async () => {
    await using world = await worldWithListener();
    const web = { type: 'ListenerDefined', bind: BIND, pool: 'p' } as const;
    const define = async (nodes?: string[]): Promise<void> => {
      await world.publish('listener.web', nodes === undefined ? web : { ...web, nodes });
      await world.clock.settle();
    };
    await define(['lb-2', 'lb-3']);
    expect(world.node.status().listeners).toEqual([]);
    expect(world.sockets.openByBind.size).toBe(0);
    expect(world.workers[0]!.ofKind('unlisten')).toHaveLength(1);
    await world.publish('listener.other', { ...web, bind: OTHER_BIND, nodes: ['lb-2'] });
    await define(['lb-2', 'lb-1']);
    expect([...world.sockets.openByBind.keys()]).toEqual([BIND]);
    expect(world.node.status().listeners).toMatchObject([{ id: 'web', state: 'listening' }]);
    await define(['lb-2']);
    expect(world.node.status().listeners).toEqual([]);
    await define();
    expect(world.node.status().listeners).toMatchObject([{ id: 'web', state: 'listening' }]);
    await world.node.ready();
  });
});
