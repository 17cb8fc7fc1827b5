/** The short run of `http-slow-loris.ts`. */
import { testSlowLoris } from './http-slow-loris.ts';

testSlowLoris({ connections: 1_000, headTimeoutMs: 4_000 });
