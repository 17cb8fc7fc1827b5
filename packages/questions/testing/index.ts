/** What others may use of this package. */
export { longestTurnMs, TURN_MS_MAX } from './turn-watch.ts';
