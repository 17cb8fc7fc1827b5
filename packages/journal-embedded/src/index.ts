/** Public entry: a durable journal in one SQLite file. */
export { openEmbeddedJournal, type EmbeddedJournal, type EmbeddedJournalOptions } from './embedded-journal.ts';
export { mendJournal, surveyJournal, type Mended, type MendOptions, type Survey } from './mend.ts';
export { refusedJournal } from './refused-journal.ts';
export type { KnownHead } from './start-proof.ts';
