/** How many connections a test can have where descriptors are few. */
import { ACCEPTED_FD_MAX } from '../src/descriptor-limit.ts';

/** For the runner, its modules and its pipes. */
const OTHERS = 128;

/** As many connections as a test wants, or as this process has descriptors for, where each takes it so many. */
export function roomFor(wanted: number, descriptorsEach: number): number {
  return Math.min(wanted, Math.floor((ACCEPTED_FD_MAX - OTHERS) / descriptorsEach));
}
