/** Ten minutes of `everything-at-once.ts`, or `MUSTER_SOAK_SECONDS`. */
import { testEverythingAtOnce } from './everything-at-once.ts';

testEverythingAtOnce(1_000 * Number(process.env['MUSTER_SOAK_SECONDS'] ?? 600));
