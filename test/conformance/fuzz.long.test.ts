/** More of the same cases, from seeds of their own: a minute and a half. */
import { testAnswers, testRequests } from './fuzz-tests.ts';

testRequests(100_000, 1_100_001, true);
testRequests(100_000, 1_000_001, false);
testAnswers(60_000, 1_200_001);
