/** Ten minutes of `everything-at-once.ts`. */
import { testEverythingAtOnce } from './everything-at-once.ts';

testEverythingAtOnce(600_000);
