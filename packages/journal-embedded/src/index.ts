/** Public entry: a durable journal in one SQLite file. */
export { openEmbeddedJournal, type EmbeddedJournal, type EmbeddedJournalOptions } from './embedded-journal.ts';
