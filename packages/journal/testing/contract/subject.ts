/** What the tests of the contract are given, and what they are. */
import type { Journal } from '../../src/journal.ts';

/** One journal, and what a test may do to its store. */
export interface JournalUnderTest extends AsyncDisposable {
  readonly journal: Journal;
  /** Closes the journal and opens the same store again; null where nothing outlives a close. */
  reopen(): Promise<Journal | null>;
  /** Deletes the store and makes it anew, empty. */
  recreate(): Promise<Journal>;
}

/** Tests by their title. */
export type ContractTests = Readonly<Record<string, (subject: JournalUnderTest) => Promise<void>>>;
