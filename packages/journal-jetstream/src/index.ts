/** Public entry: the journal on JetStream. */
export * from './jetstream-journal.ts';
