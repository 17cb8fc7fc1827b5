/** What others may use of this package. */
export { BARE_ENVIRONMENT, muster, temporaryFolder, withSpells, MUSTER, NOBODY } from './muster-process.ts';
