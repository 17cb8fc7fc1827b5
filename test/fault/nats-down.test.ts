/** All NATS servers are gone for a while. */
import { testNatsDown } from './nats-down.ts';

testNatsDown(6_000);
