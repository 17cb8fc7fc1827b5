/** `test` for tests that need three NATS servers: where none that can keep copies is to be had, it skips and says why. */
import { newestNatsServer } from '@muster/nats-server';
import { test as anyTest } from 'vitest';

const program = await newestNatsServer();
if ('unavailable' in program) process.stderr.write(`skipped: ${program.unavailable}\n`);

export const test: typeof anyTest.skip = 'unavailable' in program ? anyTest.skip : anyTest;
