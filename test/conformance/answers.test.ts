/** What backends say. */
import { testAnswers } from './fuzz-tests.ts';

testAnswers(10_000, 200_001);
