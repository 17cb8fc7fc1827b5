/** Ten rounds of `journal-kill.ts`. */
import { testJournalKill } from './journal-kill.ts';

testJournalKill(10);
