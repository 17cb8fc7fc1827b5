/** Fifty rounds of `journal-kill.ts`. */
import { testJournalKill } from './journal-kill.ts';

testJournalKill(50);
