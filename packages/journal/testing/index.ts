/**
 * The contract suite: what `journal.ts` promises, as tests that every journal runs.
 *
 * It is written against the port alone. So it allows gaps between revisions, never looks at the wall clock, repeats an
 * id only moments after the first time, and compares revisions instead of naming them. Each test has a journal of its
 * own, fresh and empty, and disposes of it.
 *
 *     journalContract('in memory', { open: async () => ({ journal, reopen: async () => null, … }) });
 *
 * It does not test speed, nor what only one implementation has: a lock, a file format, a server that goes away.
 */
import { describe, expect, test } from 'vitest';
import { appendTests } from './contract/append.ts';
import { concurrencyTests } from './contract/concurrency.ts';
import { closeTests } from './contract/close.ts';
import { followTests } from './contract/follow.ts';
import { interleavingTests } from './contract/interleavings.ts';
import { readTests } from './contract/read.ts';
import { roundTripTests } from './contract/round-trip.ts';
import { snapshotTests } from './contract/snapshot.ts';
import type { ContractTests, JournalUnderTest } from './contract/subject.ts';

export type { JournalUnderTest } from './contract/subject.ts';

export interface JournalContractOptions {
  /** A fresh, empty journal. */
  readonly open: () => Promise<JournalUnderTest>;
  /** Tests that this journal cannot pass, by their full title, each with the reason that a reader will see. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

/** Registers the suite with vitest. Throws when `skip` names a test that there is not. */
export function journalContract(name: string, options: JournalContractOptions): void {
  const reasons = new Map(options.skip?.flatMap(({ reason, tests }) => tests.map((title) => [title, reason] as const)));
  const groups = {
    ...appendTests,
    ...concurrencyTests,
    ...roundTripTests,
    ...readTests,
    ...followTests,
    ...snapshotTests,
    ...interleavingTests,
  };
  const all: ContractTests = { ...groups, ...closeTests };
  for (const title of reasons.keys()) {
    if (!Object.hasOwn(all, title))
      throw new Error(`the journal contract has no test "${title}"; correct its name in skip`);
  }
  describe(`journal contract: ${name}`, () => {
    test.for(Object.entries(all))('%s', async ([title, run], { skip }) => {
      const reason = reasons.get(title);
      skip(reason !== undefined, reason);
      expect.hasAssertions();
      await using subject = await options.open();
      await run(subject);
    });
  });
}
