/** kill -9 of workers and of the node, a few times each. */
import { testProcessKills } from './process-kills.ts';

testProcessKills(4);
