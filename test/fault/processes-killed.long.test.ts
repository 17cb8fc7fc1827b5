/** kill -9 of workers and of the node, twenty times each. */
import { testProcessKills } from './process-kills.ts';

testProcessKills(20);
