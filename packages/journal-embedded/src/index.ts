/** Public entry: a durable journal in one SQLite file. */
export {
  openEmbeddedJournal,
  refusedJournal,
  type EmbeddedJournal,
  type EmbeddedJournalOptions,
} from './embedded-journal.ts';
export { mendJournal, surveyJournal, type Mended, type MendOptions, type Survey } from './mend.ts';
export type { KnownHead } from './head-file.ts';
