/** All NATS servers are gone for 30 s. */
import { testNatsDown } from './nats-down.ts';

testNatsDown(30_000);
