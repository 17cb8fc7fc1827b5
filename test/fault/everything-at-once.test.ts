/** Five seconds of `everything-at-once.ts`. */
import { testEverythingAtOnce } from './everything-at-once.ts';

testEverythingAtOnce(5_000);
