/** Fault: nodes are stopped and killed under 1,000 events a second, for a minute. */
import { rounds } from '../harness/processes/rounds.ts';
import { testNodeRestarts } from './node-restarts.ts';

testNodeRestarts(60_000 * rounds(1));
