/** Public entry: the journal port, what its implementations share, and the in-memory journal. */
export * from './append-check.ts';
export * from './journal.ts';
export * from './memory-journal.ts';
export * from './pull-follower.ts';
export * from './snapshot-retention.ts';
export * from './starting-roster.ts';
