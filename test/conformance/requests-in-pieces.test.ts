/** Client connections whose bytes come in several reads. */
import { testRequests } from './fuzz-tests.ts';

testRequests(15_000, 100_001, true);
