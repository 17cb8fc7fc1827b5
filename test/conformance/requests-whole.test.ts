/** Client connections whose bytes come in one read. */
import { testRequests } from './fuzz-tests.ts';

testRequests(15_000, 1, false);
