/** The roster built anew beside the one that is served: what retention removed, and what differs from the log. */
import { createMemoryJournal, type Journal } from '@muster/journal';
import { encodeSnapshot, rosterHash, type Roster } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { FoldedRoster } from '../folded-roster.ts';
import { JournalContact } from './journal-contact.ts';
import { JournalFollower } from './journal-follower.ts';
import { REFUSE, SimulatedWorld } from '../../testing/simulated-world.ts';

const TARGET = '10.0.0.1:80';

/** Publishes a pool of one backend. */
async function publishPool(world: SimulatedWorld): Promise<void> {
  await world.publish('pool.p', { type: 'PoolDefined', health: { tcp: true, intervalMs: 5_000, rise: 1, fall: 1 } });
  await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: TARGET });
}

async function setModes(world: SimulatedWorld, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await world.publish('backend.p.b-1', { type: 'BackendModeSet', mode: index % 2 === 0 ? 'drain' : 'ready' });
  }
}

/** What the log says, folded from its start by a fold of its own. */
async function truth(world: SimulatedWorld): Promise<Roster> {
  const folded = new FoldedRoster({ node: 'reader', cluster: 'demo', clock: world.clock });
  for await (const event of world.journal.inner.read()) folded.apply([event]);
  return folded.roster;
}

async function saveSnapshot(world: SimulatedWorld, roster: Roster): Promise<void> {
  const { revision } = roster;
  const data = encodeSnapshot(roster);
  await world.journal.inner.saveSnapshot({ epoch: 'epoch-1', revision, hash: rosterHash(roster), data });
}

describe('a node that is slower than retention', () => {
  async function leftBehind(): Promise<SimulatedWorld> {
    const world = new SimulatedWorld();
    world.journal.saysAway = true;
    await publishPool(world);
    await world.start({ workers: 1 });
    await world.node.ready();
    world.journal.goAway();
    await world.clock.settle();
    return world;
  }

  test('begins with the newest snapshot, and no worker notices more than a new roster', async () => {
    await using world = await leftBehind();
    const changes: number[] = [];
    world.node.onRosterChanged((before, after, { events }) => {
      expect(after.revision).toBeGreaterThan(before.revision);
      changes.push(events.length);
    });
    await setModes(world, 40);
    await saveSnapshot(world, await truth(world));
    await setModes(world, 3);
    world.journal.compactTo(30);
    world.journal.comeBack();
    await world.clock.settle();
    await world.clock.settle();
    const { hash, rebuilds } = world.node.status();
    expect(hash).toBe(rosterHash(await truth(world)));
    expect(rebuilds).toMatchObject({ count: 1 });
    expect(rebuilds.lastReason).toContain('revision 5 is gone');
    expect(changes).toEqual([0]);
    expect(world.workers[0]!.ofKind('roster')).toHaveLength(2);
    expect(rosterHash(world.workers[0]!.roster)).toBe(hash);
    expect(world.targets.of(TARGET)).toHaveLength(1);
    expect(await world.execute({ type: 'RemovePool', pool: 'p' })).toMatchObject({ outcome: 'appended' });
  });

  test('serves its old roster while there is no snapshot to begin with, and tries again', async () => {
    await using world = await leftBehind();
    const { hash } = world.node.status();
    await setModes(world, 40);
    world.journal.compactTo(30);
    world.journal.comeBack();
    await world.clock.advance(20_000);
    expect(world.node.status()).toMatchObject({ state: 'serving', hash, rebuilds: { count: 0 } });
    expect(world.logged('warn').join()).toContain('building the roster anew is tried again: revision 1 is gone');
    await saveSnapshot(world, await truth(world));
    await world.clock.advance(5_000);
    expect(world.node.status().hash).toBe(rosterHash(await truth(world)));
  });

  test('a fact that was recorded in what it never read is settled', async () => {
    await using world = await leftBehind();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(5_000);
    const { id, event } = world.node.pending().get('p/b-1')!.health!;
    const subject = 'muster.demo.health.lb-1.p.b-1';
    await world.journal.inner.append({ id, subject, origin: 'node:lb-1', payload: JSON.stringify(event) });
    await setModes(world, 10);
    await saveSnapshot(world, await truth(world));
    world.journal.compactTo(10);
    world.journal.comeBack();
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ pendingFactsCount: 0, hash: rosterHash(await truth(world)) });
    expect(world.journal.appends.filter((append) => append.id === id)).toEqual([]);
    expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  });
});

/** A journal that hands over events one by one, and in one of its followers says `caught-up` before it is true. */
function lateIn(journal: Journal, late: { readonly follow: number; readonly afterRevision: number }): Journal {
  let followsCount = 0;
  return {
    append: (...append) => journal.append(...append),
    read: (options) => journal.read(options),
    head: () => journal.head(),
    saveSnapshot: (snapshot) => journal.saveSnapshot(snapshot),
    loadSnapshot: (atOrBefore) => journal.loadSnapshot(atOrBefore),
    renew: () => journal.renew(),
    close: () => journal.close(),
    async *follow(options) {
      followsCount += 1;
      const isLate = followsCount === late.follow;
      for await (const item of journal.follow(options)) {
        if (item.kind !== 'events') yield item;
        else
          for (const event of item.events) {
            yield { kind: 'events', events: [event] };
            if (isLate && event.revision === late.afterRevision) yield { kind: 'caught-up', revision: event.revision };
          }
      }
    },
  };
}

describe('a roster that differs from the log', () => {
  /** A follower without a node around it. */
  function follower(world: SimulatedWorld, journal: Journal = world.journal) {
    const { clock } = world;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const contact = new JournalContact(journal, { clock, log });
    contact.adopted('epoch-1');
    const folded = new FoldedRoster({ node: 'lb-1', cluster: 'demo', clock });
    const revisions: number[] = [];
    const following = new JournalFollower({
      contact,
      folded,
      node: 'lb-1',
      cluster: 'demo',
      clock,
      random: () => 0.5,
      log,
      onEvents: (events) => {
        folded.apply(events);
        revisions.push(folded.roster.revision);
      },
      onCaughtUp: () => undefined,
      onAdopted: () => undefined,
      swapRoster: ({ built, isOtherHistory }) => {
        folded.replace(built, { isOtherHistory });
        revisions.push(folded.roster.revision);
      },
    });
    return { folded, following, revisions };
  }

  async function deviating(): Promise<{ world: SimulatedWorld } & ReturnType<typeof follower>> {
    const world = new SimulatedWorld();
    await publishPool(world);
    await setModes(world, 5);
    world.journal.alteredByRevision.set(2, JSON.stringify({ type: 'BackendRegistered', target: TARGET, weight: 7 }));
    return { world, ...follower(world) };
  }

  test('is built anew, while the old one is followed on, and its revision never goes back', async () => {
    const { world, folded, following, revisions } = await deviating();
    const stop = following.start();
    await world.clock.settle();
    expect(rosterHash(folded.roster)).not.toBe(rosterHash(await truth(world)));
    following.rebuild('lb-2 has another hash');
    for (let round = 0; round < 10; round++) {
      await setModes(world, 3);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await world.clock.settle();
    expect(rosterHash(folded.roster)).toBe(rosterHash(await truth(world)));
    expect(revisions).toEqual([...revisions].sort((left, right) => left - right));
    expect(following.rebuilds).toEqual({ count: 1, lastReason: 'lb-2 has another hash' });
    stop();
    await world.clock.settle();
  });

  test('takes its place only where it has come as far', async () => {
    const world = new SimulatedWorld();
    await publishPool(world);
    await setModes(world, 5);
    const { folded, following, revisions } = follower(world, lateIn(world.journal, { follow: 2, afterRevision: 2 }));
    const stop = following.start();
    await world.clock.settle();
    following.rebuild('lb-2 has another hash');
    await world.clock.settle();
    expect(following.rebuilds.count).toBe(1);
    expect(revisions).toEqual([1, 2, 3, 4, 5, 6, 7, 7]);
    expect(rosterHash(folded.roster)).toBe(rosterHash(await truth(world)));
    stop();
    await world.clock.settle();
  });

  test('begins with a snapshot from before they differed where that is asked for', async () => {
    const { world, folded, following } = await deviating();
    const stop = following.start();
    await world.clock.settle();
    await saveSnapshot(world, folded.roster);
    following.rebuild('the newest snapshot', {});
    await world.clock.settle();
    expect(rosterHash(folded.roster)).not.toBe(rosterHash(await truth(world)));
    following.rebuild('the one before', { atOrBefore: 1 });
    await world.clock.settle();
    expect(rosterHash(folded.roster)).toBe(rosterHash(await truth(world)));
    expect(following.rebuilds.count).toBe(2);
    stop();
    await world.clock.settle();
  });

  test('asked for twice at once is built once; while the journal is another history, not at all', async () => {
    const { world, following } = await deviating();
    const stop = following.start();
    await world.clock.settle();
    following.rebuild('first');
    following.rebuild('second');
    await world.clock.settle();
    expect(following.rebuilds).toEqual({ count: 1, lastReason: 'first' });
    world.journal.replaceWith(createMemoryJournal({ epoch: 'epoch-2' }));
    await world.clock.settle();
    following.rebuild('third');
    await world.clock.settle();
    expect(following.rebuilds.count).toBe(1);
    stop();
    await world.clock.settle();
  });

  test('is built when the journal is back, where that went away meanwhile', async () => {
    const { world, folded, following } = await deviating();
    const stop = following.start();
    await world.clock.settle();
    following.rebuild('lb-2 has another hash');
    world.journal.goAway();
    await world.clock.advance(10_000);
    expect(following.rebuilds.count).toBe(0);
    world.journal.comeBack();
    await world.clock.advance(5_000);
    expect(following.rebuilds.count).toBe(1);
    expect(rosterHash(folded.roster)).toBe(rosterHash(await truth(world)));
    stop();
    await world.clock.settle();
    expect(world.clock.armedCount).toBe(0);
  });
});
