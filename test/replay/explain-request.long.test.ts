/** Ten thousand requests of `explained-requests.ts`. */
import { testExplainedRequests } from './explained-requests.ts';

testExplainedRequests(10_000);
