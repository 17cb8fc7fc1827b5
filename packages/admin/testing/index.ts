/** What others may use of this package. */
export { startAdmin, type AdminHarness, FOLLOWING_MS } from './node-harness.ts';
export { eventLines, openEvents, readEvents } from './events-client.ts';
