/** Contract: expectations, and appends that race. */
import { expect } from 'vitest';
import type { ContractTests } from './subject.ts';
import { appendMany, collect, mustAppend, OTHER_SUBJECT, sampleEvent } from './samples.ts';

const RACE_ROUNDS = 30;
const MANY = 2_000;

export const concurrencyTests: ContractTests = {
  'expected revision 0 means that the subject has no event yet': async ({ journal }) => {
    const first = await mustAppend(journal, sampleEvent(), { expectedRevision: 0 });
    const outcome = await journal.append(sampleEvent(), { expectedRevision: 0 });
    expect(outcome).toEqual({ outcome: 'conflict', actualRevision: first.revision });
    expect(await collect(journal.read())).toHaveLength(1);
  },

  'the right expectation appends, a wrong one is a conflict that names the actual revision': async ({ journal }) => {
    const first = await mustAppend(journal, sampleEvent());
    const second = await mustAppend(journal, sampleEvent(), { expectedRevision: first.revision });
    const late = await journal.append(sampleEvent(), { expectedRevision: first.revision });
    expect(late).toEqual({ outcome: 'conflict', actualRevision: second.revision });
    const early = await journal.append(sampleEvent(), { expectedRevision: second.revision + 1_000 });
    expect(early).toEqual({ outcome: 'conflict', actualRevision: second.revision });
    const elsewhere = await journal.append(sampleEvent({ subject: OTHER_SUBJECT }), { expectedRevision: 7 });
    expect(elsewhere).toEqual({ outcome: 'conflict', actualRevision: 0 });
  },

  'an expectation is about its own subject': async ({ journal }) => {
    const first = await mustAppend(journal, sampleEvent());
    await appendMany(journal, 5, { subject: OTHER_SUBJECT });
    await appendMany(journal, 1, { subject: 'muster.test.pool.spells-2' });
    const outcome = await journal.append(sampleEvent(), { expectedRevision: first.revision });
    expect(outcome).toMatchObject({ outcome: 'appended' });
  },

  'of two writers with the same expectation exactly one wins': async ({ journal }) => {
    let expectedRevision = 0;
    for (let round = 0; round < RACE_ROUNDS; round += 1) {
      const options = { expectedRevision };
      const elsewhere = journal.append(sampleEvent({ subject: OTHER_SUBJECT }));
      const racers = [journal.append(sampleEvent(), options), journal.append(sampleEvent(), options)];
      const outcomes = await Promise.all(racers);
      await elsewhere;
      const winner = outcomes.find((outcome) => outcome.outcome === 'appended');
      expect(winner, `round ${round}`).toBeDefined();
      const conflict = { outcome: 'conflict', actualRevision: winner!.revision };
      expect(outcomes.filter((outcome) => outcome !== winner)).toEqual([conflict]);
      expectedRevision = winner!.revision;
    }
    const stored = (await collect(journal.read())).filter(({ subject }) => subject !== OTHER_SUBJECT);
    expect(stored).toHaveLength(RACE_ROUNDS);
  },

  'the same id appended many times at once is stored once': async ({ journal }) => {
    const event = sampleEvent();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => mustAppend(journal, event)));
    expect(new Set(outcomes.map(({ revision }) => revision)).size).toBe(1);
    expect(outcomes.filter(({ isDuplicate }) => !isDuplicate)).toHaveLength(1);
    expect(await collect(journal.read())).toHaveLength(1);
  },

  'two thousand appends at once are all acknowledged, and all can be read': async ({ journal }) => {
    const sent = Array.from({ length: MANY }, (_, index) => sampleEvent({ payload: String(index) }));
    const outcomes = await Promise.all(sent.map((event) => mustAppend(journal, event)));
    const idsByRevision = new Map(outcomes.map(({ revision }, index) => [revision, sent[index]!.id]));
    expect(idsByRevision.size).toBe(MANY);
    const events = await collect(journal.read());
    expect(new Map(events.map(({ revision, id }) => [revision, id]))).toEqual(idsByRevision);
    expect(events).toHaveLength(MANY);
  },
};
