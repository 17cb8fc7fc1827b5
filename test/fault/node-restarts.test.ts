/** Fault: nodes are stopped and killed under 1,000 events a second, for a few seconds in every run. */
import { testNodeRestarts } from './node-restarts.ts';

testNodeRestarts(3_000);
