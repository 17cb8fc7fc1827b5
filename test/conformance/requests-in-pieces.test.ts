/** Client connections whose bytes come in several reads. */
import { testRequests } from './fuzz-tests.ts';

testRequests(30_000, 100_001, true);
