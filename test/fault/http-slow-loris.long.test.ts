/** Ten thousand connections of `http-slow-loris.ts`. */
import { testSlowLoris } from './http-slow-loris.ts';

testSlowLoris({ connections: 10_000, headTimeoutMs: 30_000 });
