/** Listeners that move, swap, widen and go, in every order: what is bound in the end, and what is said of what is not. */
import { excludes, parseBind } from '@muster/membership';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimulatedWorld } from '../testing/simulated-world.ts';

async function worldWith(binds: Readonly<Record<string, string>>): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined' });
  for (const [id, bind] of Object.entries(binds)) await define(world, id, bind);
  await world.start({ workers: 2 });
  await world.node.ready();
  return world;
}

function define(world: SimulatedWorld, id: string, bind: string): Promise<void> {
  return world.publish(`listener.${id}`, { type: 'ListenerDefined', bind, pool: 'p' });
}

function shown(world: SimulatedWorld): string[] {
  return world.node
    .status()
    .listeners.map(({ id, state, boundAddress, revision, appliedRevision }) =>
      [id, state, boundAddress, appliedRevision === revision ? 'in force' : 'not in force'].join(' '),
    );
}

describe('a listener', () => {
  test.each([
    ['127.0.0.1:80', '0.0.0.0:80'],
    ['0.0.0.0:80', '127.0.0.1:80'],
    ['[::]:80', '0.0.0.0:80'],
    ['127.0.0.1:80', '[::]:80'],
    ['127.0.0.1:80', 'unix:/run/web.sock'],
  ])('moves from %s to %s, and what it had is closed', async (from, to) => {
    await using world = await worldWith({ web: from });
    await define(world, 'web', to);
    await world.clock.advance(100);
    expect(shown(world)).toEqual([`web listening ${to} in force`]);
    expect([...world.sockets.openByBind.keys()]).toEqual([to]);
  });

  test.each([
    ['two that swap', { a: '127.0.0.1:81', b: '127.0.0.1:82' }, { a: '127.0.0.1:82', b: '127.0.0.1:81' }],
    ['two Unix paths', { a: 'unix:/run/1', b: 'unix:/run/2' }, { a: 'unix:/run/2', b: 'unix:/run/1' }],
    [
      'a cycle of three',
      { a: '127.0.0.1:81', b: '0.0.0.0:82', c: 'unix:/run/3' },
      { a: '127.0.0.1:82', b: 'unix:/run/3', c: '0.0.0.0:81' },
    ],
  ])('%s get what they are to have', async (_name, from, to) => {
    await using world = await worldWith(from);
    await Promise.all(Object.entries(to).map(([id, bind]) => define(world, id, bind)));
    await world.clock.advance(1_000);
    expect(shown(world).toSorted()).toEqual(Object.entries(to).map(([id, bind]) => `${id} listening ${bind} in force`));
  });

  test('that another one of the node stands in the way of says which, and takes force when that one moves', async () => {
    await using world = await worldWith({ a: '127.0.0.1:81' });
    await define(world, 'b', '0.0.0.0:81');
    await world.clock.advance(1_000);
    expect(world.node.status().listeners[1]).toMatchObject({
      state: 'failed',
      reason: '0.0.0.0:81 is taken by listener a of this node; choose another address, or move that one',
      appliedRevision: null,
    });
    await define(world, 'a', '127.0.0.1:82');
    await world.clock.advance(100);
    expect(shown(world)).toEqual(['a listening 127.0.0.1:82 in force', 'b listening 0.0.0.0:81 in force']);
  });

  test('is bound anew when a worker could not listen on its socket', async () => {
    await using world = await worldWith({ web: '127.0.0.1:80' });
    const { revision } = world.node.status().listeners[0]!;
    const report = { kind: 'listen-failed', listener: 'web', revision, reason: 'taken', isSocketLost: true } as const;
    world.workers[0]!.report(report);
    expect(world.node.status().listeners[0]).toMatchObject({ state: 'failed', reason: 'taken', boundAddress: null });
    await world.clock.advance(1_000);
    expect(shown(world)).toEqual(['web listening 127.0.0.1:80 in force']);
  });

  test('is not in force while a worker cannot load its filters, and the worker says why', async () => {
    await using world = await worldWith({ web: '127.0.0.1:80' });
    const { revision } = world.node.status().listeners[0]!;
    const reason = 'filter ./a.ts: no such file';
    world.workers[1]!.report({ kind: 'listen-failed', listener: 'web', revision, reason, isSocketLost: false });
    expect(world.node.status().listeners[0]).toMatchObject({
      state: 'failed',
      reason: `worker 1: ${reason}`,
      appliedRevision: null,
      boundAddress: '127.0.0.1:80',
    });
  });
});

const HOSTS = ['127.0.0.1', '127.0.0.2', '0.0.0.0', '[::]', '[::1]'];
const BINDS = [...HOSTS.flatMap((host) => [`${host}:81`, `${host}:82`]), 'unix:/run/1', 'unix:/run/2'];
const step = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  bind: fc.option(fc.constantFrom(...BINDS), { nil: null }),
  isSettled: fc.boolean(),
});

test('whatever listeners are defined in whatever order: what can be bound together is, and the rest names who is in the way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      await using world = await worldWith({});
      const wanted = new Map<string, string>();
      for (const { id, bind, isSettled } of steps) {
        if (bind !== null) await define(world, id, bind);
        else if (wanted.has(id)) await world.publish(`listener.${id}`, { type: 'ListenerRemoved' });
        if (bind === null) wanted.delete(id);
        else wanted.set(id, bind);
        if (isSettled) await world.clock.advance(100);
      }
      await world.clock.advance(30_000);
      const { listeners } = world.node.status();
      const inForce = listeners.filter(({ revision, appliedRevision }) => revision === appliedRevision);
      expect(inForce.map(({ id, boundAddress }) => [id, boundAddress])).toEqual(
        inForce.map(({ id }) => [id, wanted.get(id)]),
      );
      for (const { id, state, reason } of listeners) {
        const isBound = inForce.some((other) => other.id === id);
        const rivals = inForce.filter(
          (other) => other.id !== id && excludesText(wanted.get(other.id)!, wanted.get(id)!),
        );
        expect(state).toBe(isBound ? 'listening' : 'failed');
        const isRivalNamed = rivals.some((rival) => reason?.includes(`listener ${rival.id} of this node`) ?? false);
        expect(isRivalNamed).toBe(!isBound);
      }
      expect(listeners.map(({ id }) => id).toSorted()).toEqual([...wanted.keys()].toSorted());
    }),
    { numRuns: 60, seed: 20_261_130 },
  );
});

function excludesText(left: string, right: string): boolean {
  return excludes(parseBind(left)!, parseBind(right)!);
}
