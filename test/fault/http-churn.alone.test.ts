/** The short run of `http-churn.ts`. */
import { testHttpChurn } from './http-churn.ts';

testHttpChurn(9_000);
