/** What backends say. */
import { testAnswers } from './fuzz-tests.ts';

testAnswers(15_000, 200_001);
