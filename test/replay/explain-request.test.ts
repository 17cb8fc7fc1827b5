/** Some thousands of requests of `explained-requests.ts`; ten thousand are in the long run. */
import { testExplainedRequests } from './explained-requests.ts';

testExplainedRequests(3_000);
