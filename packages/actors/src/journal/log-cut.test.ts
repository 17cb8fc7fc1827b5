/** Somebody cut the log by hand: a node that starts begins with its local snapshot, says what it lacks, and decides nothing until it has read on. */
import { encodeSnapshot, rosterHash } from '@muster/membership';
import { expect, test } from 'vitest';
import { SimulatedDisk } from '../../testing/simulated-disk.ts';
import { SimulatedWorld } from '../../testing/simulated-world.ts';

const DRAIN = { type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' } as const;

/** A node that served one backend and stopped, with its disk, before somebody cut all of its log. */
async function stoppedNode() {
  const disk = new SimulatedDisk();
  const former = new SimulatedWorld();
  await former.publish('pool.p', { type: 'PoolDefined' });
  await former.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
  // Nobody has a snapshot of it but this machine.
  former.journal.saveSnapshot = () => Promise.resolve();
  await former.start({ localSnapshot: disk });
  await former.stop();
  await former[Symbol.asyncDispose]();
  return { disk, journal: former.journal.inner, revision: disk.stored!.revision };
}

test('a local snapshot that reaches to where the log begins is enough', async () => {
  const { disk, journal, revision } = await stoppedNode();
  await using world = new SimulatedWorld(journal);
  world.journal.compactTo(revision + 1);
  await world.start({ localSnapshot: disk, workers: 1 });
  await world.node.caughtUp();
  expect(world.node.status()).toMatchObject({ state: 'serving', backendsCount: 1, isFromLocalSnapshot: false });
  expect(world.node.status().journalAwayReason).toBeNull();
  expect(await world.execute(DRAIN)).toMatchObject({ outcome: 'appended' });
});

test('what was appended since is read behind it', async () => {
  const { disk, journal, revision } = await stoppedNode();
  await using world = new SimulatedWorld(journal);
  await world.publish('backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80' });
  world.journal.compactTo(revision + 1);
  await world.start({ localSnapshot: disk });
  await world.node.caughtUp();
  expect(world.node.status()).toMatchObject({ backendsCount: 2, revision: expect.any(Number) as number });
});

test('one that does not is served all the same, with the reason, and nothing is decided on it until there is a snapshot', async () => {
  const { disk, journal, revision } = await stoppedNode();
  await using world = new SimulatedWorld(journal);
  const { epoch } = await journal.head();
  for (const id of ['b-2', 'b-3'])
    await world.publish(`backend.p.${id}`, { type: 'BackendRegistered', target: `10.0.0.${id.slice(2)}:80` });
  world.journal.compactTo(revision + 2);
  await world.start({ localSnapshot: disk, workers: 1 });
  await world.clock.advance(5_000);
  const status = world.node.status();
  expect(status).toMatchObject({ state: 'serving', backendsCount: 1, isFromLocalSnapshot: true });
  expect(status.journalAwayReason).toMatch(/revision \d+ is gone; on a node that is up to date: muster snapshot/);
  expect(await world.execute(DRAIN)).toMatchObject({
    outcome: 'unavailable',
    isStored: 'no',
    message: expect.stringContaining('muster snapshot') as string,
  });
  // A node that is up to date stores one.
  await using other = new SimulatedWorld(journal);
  const roster = await other.start({ node: 'lb-2' }).then((node) => node.roster());
  const stored = { epoch, revision: roster.revision, hash: rosterHash(roster), data: encodeSnapshot(roster) };
  await journal.saveSnapshot(stored);
  await world.clock.advance(10_000);
  expect(world.node.status()).toMatchObject({ backendsCount: 3, isFromLocalSnapshot: false, journalAwayReason: null });
  expect(await world.execute(DRAIN)).toMatchObject({ outcome: 'appended' });
});

test('without a local snapshot it is catching up, says why, and refuses commands', async () => {
  const { journal, revision } = await stoppedNode();
  await using world = new SimulatedWorld(journal);
  world.journal.compactTo(revision + 1);
  await world.start();
  expect(await world.execute(DRAIN)).toMatchObject({ outcome: 'unavailable', isStored: 'no' });
  await world.clock.advance(5_000);
  const { state, journalAwayReason } = world.node.status();
  expect(state).toBe('catching-up');
  expect(journalAwayReason).toContain('muster snapshot');
  expect(await world.execute(DRAIN)).toMatchObject({
    outcome: 'unavailable',
    message: expect.stringContaining('is gone') as string,
  });
});

test('a node that reads a long history refuses commands until it has read it, and says how far it is', async () => {
  await using world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined' });
  const { follow } = world.journal;
  const release = Promise.withResolvers<void>();
  world.journal.follow = async function* (options) {
    for await (const item of follow.call(world.journal, options)) {
      if (item.kind === 'caught-up') await release.promise;
      yield item;
    }
  };
  await world.start();
  expect(await world.execute(DRAIN)).toMatchObject({
    outcome: 'unavailable',
    message: expect.stringContaining('has not read the journal to its end yet (it is at revision 1 of 1)') as string,
  });
  release.resolve();
  await world.node.caughtUp();
});

test('a snapshot is stored by a person’s word, in the journal and on this machine', async () => {
  const disk = new SimulatedDisk();
  await using world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined' });
  await world.start({ localSnapshot: disk });
  const { epoch, revision } = world.node.status();
  expect(await world.node.saveSnapshot()).toEqual({ outcome: 'saved', epoch, revision });
  expect(await world.journal.inner.loadSnapshot()).toMatchObject({ epoch, revision });
  expect(disk.stored).toMatchObject({ epoch, revision });
  world.journal.goAway();
  await world.clock.settle();
  expect(await world.node.saveSnapshot()).toMatchObject({ outcome: 'unavailable' });
});
