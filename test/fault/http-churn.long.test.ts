/** The whole minute of `http-churn.ts`. */
import { testHttpChurn } from './http-churn.ts';

testHttpChurn(60_000);
