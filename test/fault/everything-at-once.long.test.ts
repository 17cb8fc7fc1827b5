/** Ten minutes of `everything-at-once.ts`, or `MUSTER_SOAK_SECONDS`, and a third of it with the journal on a NATS server. */
import { testEverythingAtOnce } from './everything-at-once.ts';

const DURATION_MS = 1_000 * Number(process.env['MUSTER_SOAK_SECONDS'] ?? 600);

testEverythingAtOnce(DURATION_MS);
testEverythingAtOnce(DURATION_MS / 3, 'jetstream');
