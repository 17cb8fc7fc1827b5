/** Facts and the journal: what a node saw acts at once, and is appended when the journal takes it. */
import { createMemoryJournal, type AppendOutcome, type Journal } from '@muster/journal';
import { emptyRoster, type PendingFact } from '@muster/membership';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FactWriter, REASON_CHARACTERS_MAX } from './fact-writer.ts';
import { FoldedRoster } from '../folded-roster.ts';
import { JournalContact } from './journal-contact.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { PASS, REFUSE, SimulatedWorld } from '../../testing/simulated-world.ts';

const TARGET = '10.0.0.1:80';

async function servingWorld({ workers = 0 } = {}): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined', health: { tcp: true, intervalMs: 5_000, rise: 1, fall: 1 } });
  await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: TARGET });
  await world.start({ workers });
  return world;
}

describe('I6: the journal is away', () => {
  test('the fact acts at once, here and in the workers, and is appended when the journal is back', async () => {
    await using world = await servingWorld({ workers: 1 });
    world.journal.goAway();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(5_000);
    expect(world.healthOf('b-1')).toEqual({ recorded: 'healthy', pending: 'BackendTurnedUnhealthy' });
    expect([...world.workers[0]!.pendingById.values()].map(({ event }) => event.reason)).toEqual([
      'connection refused',
    ]);
    expect(world.node.status()).toMatchObject({ state: 'serving', pendingFactsCount: 1 });
    expect(world.node.status().journalAwaySinceMs).not.toBeNull();
    world.journal.comeBack();
    await world.clock.advance(6_000);
    expect(world.healthOf('b-1')).toEqual({ recorded: 'unhealthy', pending: null });
    expect(world.workers[0]!.pendingById.size).toBe(0);
    expect(world.node.status().journalAwaySinceMs).toBeNull();
    expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  });

  test('an answer that says that it is back does not let the newer fact be judged before the older one is expected', async () => {
    await using world = await servingWorld();
    world.journal.appendAnswer = 'lost';
    await world.execute({ type: 'RegisterBackend', pool: 'p', backend: 'b-2', target: '10.0.0.2:80' });
    expect(world.node.status().journalAwaySinceMs).not.toBeNull();
    world.journal.appendAnswer = 'held';
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(5_000);
    world.targets.answerByTarget.set(TARGET, PASS);
    await world.clock.advance(5_000);
    world.journal.appendAnswer = 'true';
    for (const release of world.journal.heldAnswers) release();
    await world.clock.settle();
    expect(world.node.status().journalAwaySinceMs).toBeNull();
    expect((await world.facts()).filter((fact) => fact.endsWith('b-1'))).toEqual(['healthy b-1', 'healthy b-1']);
  });

  test('probes go on, and only the newest fact of a backend is kept', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    for (const answer of [REFUSE, PASS, REFUSE, PASS, REFUSE]) {
      world.targets.answerByTarget.set(TARGET, answer);
      await world.clock.advance(5_000);
      expect(world.node.status().pendingFactsCount).toBe(1);
    }
    world.journal.comeBack();
    await world.clock.advance(6_000);
    expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  });

  test('a fact that says what is recorded already is not appended', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(5_000);
    world.targets.answerByTarget.set(TARGET, PASS);
    await world.clock.advance(5_000);
    world.journal.comeBack();
    await world.clock.advance(6_000);
    expect(world.healthOf('b-1')).toEqual({ recorded: 'healthy', pending: null });
    expect(await world.facts()).toEqual(['healthy b-1']);
  });

  test('nothing is appended until it has been read again, and then at once', async () => {
    await using world = await servingWorld();
    world.journal.saysAway = true;
    world.journal.goAway();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    const before = world.journal.appends.length;
    await world.clock.advance(60_000);
    expect(world.healthOf('b-1').pending).toBe('BackendTurnedUnhealthy');
    expect(world.journal.appends.length).toBe(before);
    world.journal.comeBack();
    await world.clock.settle();
    expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  });
});

test('a journal that can be read and takes nothing is tried every 100 ms to 5 s', async () => {
  await using world = await servingWorld();
  world.journal.appendAnswer = 'unavailable';
  world.targets.answerByTarget.set(TARGET, REFUSE);
  await world.clock.advance(5_000);
  const before = world.journal.appends.length;
  await world.clock.advance(60_000);
  const tries = world.journal.appends.length - before;
  expect(tries).toBeGreaterThan(12);
  expect(tries).toBeLessThan(30);
});

test('an answer that was lost is asked for again with the same id', async () => {
  await using world = await servingWorld();
  world.journal.appendAnswer = 'lost';
  world.targets.answerByTarget.set(TARGET, REFUSE);
  await world.clock.advance(5_000);
  world.journal.appendAnswer = 'true';
  await world.clock.advance(1_000);
  expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  expect(world.healthOf('b-1')).toEqual({ recorded: 'unhealthy', pending: null });
});

test('a refused fact is not tried again, is logged, and still acts on this node', async () => {
  await using world = await servingWorld();
  world.journal.appendAnswer = 'refused';
  world.targets.answerByTarget.set(TARGET, REFUSE);
  await world.clock.advance(30_000);
  expect(world.journal.appends.filter(({ subject }) => subject.includes('.health.'))).toHaveLength(2);
  expect(world.logged('error')).toEqual(['the journal refused a fact about p/b-1: not permitted']);
  expect(world.healthOf('b-1').pending).toBe('BackendTurnedUnhealthy');
  world.journal.appendAnswer = 'true';
  await world.publish('backend.p.b-1', { type: 'BackendDeregistered' });
  await world.clock.settle();
  expect(world.node.status().pendingFactsCount).toBe(0);
});

test('a fact about a target that has left is dropped', async () => {
  await using world = await servingWorld();
  world.journal.appendAnswer = 'unavailable';
  world.targets.answerByTarget.set(TARGET, REFUSE);
  world.targets.answerByTarget.set('10.0.0.2:80', 'silent');
  await world.clock.advance(5_000);
  await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.2:80' });
  await world.clock.settle();
  expect(world.node.status().pendingFactsCount).toBe(0);
  world.journal.appendAnswer = 'true';
  await world.clock.advance(1_000);
  expect(await world.facts()).toEqual(['healthy b-1']);
});

test('no reader sees a gap: a fact is settled in the turn in which its event is folded', async () => {
  await using world = await servingWorld();
  const seen: string[] = [];
  world.node.onRosterChanged(() => {
    const { recorded, pending } = world.healthOf('b-1');
    seen.push(`${recorded} ${pending}`);
  });
  world.targets.answerByTarget.set(TARGET, REFUSE);
  await world.clock.advance(5_000);
  expect(seen).toEqual(['unhealthy null']);
});

describe('I9: a fact that a newer one took the place of is remembered only while its event may come', () => {
  const found = (type: 'BackendTurnedHealthy' | 'BackendTurnedUnhealthy') =>
    ({ type, target: TARGET, reason: 'probed' }) as const;

  /** A writer, and how many facts it still knows of. */
  function writerOn(append: Journal['append']) {
    const clock = new SimulatedClock();
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const contact = new JournalContact({ ...createMemoryJournal(), append }, { clock, log });
    const folded = new FoldedRoster({ node: 'lb-1', cluster: 'demo', clock });
    const events = [
      { subject: 'muster.demo.pool.p', payload: '{"type":"PoolDefined"}' },
      { subject: 'muster.demo.backend.p.b-1', payload: JSON.stringify({ type: 'BackendRegistered', target: TARGET }) },
    ];
    folded.apply(
      events.map((event, index) => ({ ...event, revision: index + 1, timeMs: 0, id: `${index}`, origin: null })),
    );
    const settled: PendingFact[] = [];
    const onChanged = (_added: unknown, facts: readonly PendingFact[]) => settled.push(...facts);
    const facts = new FactWriter({ contact, folded, clock, random: () => 0.5, log, onChanged });
    /** In a roster that holds nothing, no fact is of use: what is settled then was remembered. */
    const rememberedCount = () => {
      settled.length = 0;
      folded.roster = emptyRoster('demo');
      facts.judgeAnew(folded.roster);
      return settled.length;
    };
    return { clock, folded, facts, rememberedCount };
  }

  test.each<[string, AppendOutcome, number]>([
    ['the journal refuses it', { outcome: 'refused', reason: 'not-permitted', message: 'no' }, 1],
    ['the answer is lost', { outcome: 'unknown', message: 'lost' }, 2],
    ['it is recorded and not folded', { outcome: 'appended', revision: 900, isDuplicate: false }, 1],
  ])('%s', async (_name, outcome, countMax) => {
    const { clock, facts, rememberedCount } = writerOn(() => Promise.resolve(outcome));
    for (let count = 0; count < 20; count++) {
      facts.add('p', 'b-1', found(count % 2 === 0 ? 'BackendTurnedUnhealthy' : 'BackendTurnedHealthy'));
      await clock.advance(1_000);
    }
    expect(rememberedCount()).toBeLessThanOrEqual(countMax);
    facts.close();
  });

  test('whatever the journal answers, in whatever order: two facts of each axis, with reasons of bounded length', async () => {
    const answer = fc.constantFrom<AppendOutcome>(
      { outcome: 'unavailable', message: 'away' },
      { outcome: 'unknown', message: 'lost' },
      { outcome: 'refused', reason: 'not-permitted', message: 'no' },
      { outcome: 'appended', revision: 900, isDuplicate: false },
    );
    const type = fc.constantFrom(
      ...(['BackendTurnedHealthy', 'BackendTurnedUnhealthy', 'BackendEjected', 'BackendReinstated'] as const),
    );
    const step = fc.record({ type, answer, waitMs: fc.constantFrom(0, 10, 1_000, 6_000) });
    const property = fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      let next: AppendOutcome = { outcome: 'unavailable', message: 'away' };
      const { clock, folded, facts, rememberedCount } = writerOn(() => Promise.resolve(next));
      for (const each of steps) {
        next = each.answer;
        const reason = 'why '.repeat(20_000);
        facts.add('p', 'b-1', { type: each.type, target: TARGET, reason });
        await clock.advance(each.waitMs);
      }
      for (const { health, ejection } of folded.pending.values()) {
        expect(health?.event.reason.length ?? 0).toBeLessThanOrEqual(REASON_CHARACTERS_MAX);
        expect(ejection?.event.reason.length ?? 0).toBeLessThanOrEqual(REASON_CHARACTERS_MAX);
      }
      expect(folded.pending.size).toBeLessThanOrEqual(1);
      // Of each of two axes the one that acts, and one whose event may still come.
      expect(rememberedCount()).toBeLessThanOrEqual(4);
      facts.close();
    });
    await fc.assert(property, { numRuns: 60 });
  });

  test('what the journal refuses after its target has left acts no longer', async () => {
    const answer = Promise.withResolvers<AppendOutcome>();
    const { clock, folded, facts } = writerOn(() => answer.promise);
    facts.add('p', 'b-1', found('BackendTurnedUnhealthy'));
    folded.roster = emptyRoster('demo');
    facts.drop('p', 'b-1');
    answer.resolve({ outcome: 'refused', reason: 'not-permitted', message: 'no' });
    await clock.settle();
    expect(folded.pending.size).toBe(0);
  });
});
