/** Contract: reading from a revision, from a time, up to a revision. */
import { expect } from 'vitest';
import type { ContractTests } from './subject.ts';
import type { Journal, ReadOptions } from '../../src/journal.ts';
import { appendMany, collect, mustAppend, OTHER_SUBJECT, sampleEvent } from './samples.ts';

const revisionsOf = async (journal: Journal, options: ReadOptions): Promise<number[]> =>
  (await collect(journal.read(options))).map(({ revision }) => revision);

export const readTests: ContractTests = {
  'a read begins at a revision and ends at a revision, both inclusive': async ({ journal }) => {
    const revisions = await appendMany(journal, 10);
    const [, second, , , , sixth] = revisions;
    expect(await revisionsOf(journal, { fromRevision: second! })).toEqual(revisions.slice(1));
    expect(await revisionsOf(journal, { fromRevision: second!, toRevision: sixth! })).toEqual(revisions.slice(1, 6));
    expect(await revisionsOf(journal, { toRevision: second! })).toEqual(revisions.slice(0, 2));
    expect(await revisionsOf(journal, { fromRevision: sixth!, toRevision: sixth! })).toEqual([sixth]);
    expect(await revisionsOf(journal, { fromRevision: sixth!, toRevision: second! })).toEqual([]);
    expect(await revisionsOf(journal, { fromRevision: revisions.at(-1)! + 1 })).toEqual([]);
    expect(await revisionsOf(journal, { toRevision: revisions.at(-1)! + 1_000 })).toEqual(revisions);
    expect(await revisionsOf(journal, { fromRevision: 0, toRevision: 0 })).toEqual([]);
  },

  'a read begins at a time, inclusive, and the later of time and revision counts': async ({ journal }) => {
    for (let count = 0; count < 20; count += 1) {
      await mustAppend(journal, sampleEvent({ subject: count % 2 === 0 ? OTHER_SUBJECT : sampleEvent().subject }));
    }
    const all = await collect(journal.read());
    const since = (timeMs: number) => all.filter((event) => event.timeMs >= timeMs).map(({ revision }) => revision);
    for (const { timeMs } of all) expect(await revisionsOf(journal, { fromTimeMs: timeMs })).toEqual(since(timeMs));
    const newest = all.at(-1)!;
    expect(await revisionsOf(journal, { fromTimeMs: 0 })).toEqual(all.map(({ revision }) => revision));
    expect(await revisionsOf(journal, { fromTimeMs: newest.timeMs + 1 })).toEqual([]);
    expect(await revisionsOf(journal, { fromTimeMs: 0, fromRevision: newest.revision })).toEqual([newest.revision]);
    expect(await revisionsOf(journal, { fromTimeMs: newest.timeMs + 1, fromRevision: 1 })).toEqual([]);
  },

  'a read ends at what was newest when it began, and may be left early': async ({ journal }) => {
    const revisions = await appendMany(journal, 2_500);
    const seen: number[] = [];
    for await (const { revision } of journal.read()) {
      if (seen.length === 0) await appendMany(journal, 5);
      seen.push(revision);
    }
    expect(seen).toEqual(revisions.toSorted((a, b) => a - b));
    for await (const { revision } of journal.read()) {
      expect(revision).toBe(seen[0]);
      break;
    }
  },
};
