/**
 * Which tests belong to which run. `unit` stays near a minute and runs in parallel, as does `nats`, for the packages whose tests
 * need NATS servers; `e2e` and `fault` start processes and share the machine's cores with them, so their files run one after
 * another; `conformance` fuzzes the data plane against another parser; `simulation` is two thousand seeds of a whole cluster, and
 * `long` is that and whatever else takes minutes.
 *
 * The deadlines are for a machine with twenty times more to do than it has cores; a test that fails is not late, it is wrong.
 *
 * Nothing here watches, covers or mocks: a project is a list of files and their deadlines.
 */
import { defineConfig } from 'vitest/config';

const LONG = '**/*.long.test.ts';
/** Their unit tests talk to real NATS servers. */
const ON_NATS = 'packages/{journal-jetstream,nats,nats-server,publisher}/src/**/*.test.ts';
/** Thousands of seeds, in processes of their own. */
const SIMULATED_LONG = 'test/simulation/**/*.long.test.ts';
const MINUTE_MS = 60_000;
/** How often faults are repeated; see `test/harness/rounds.ts`. */
const ROUNDS = Number(process.env['MUSTER_FAULT_ROUNDS'] ?? 1);

/** Deadlines of a project whose tests start processes, for one round. Such tests never share the machine with another file. */
const oneFileAtATime = (testTimeoutMs: number) => ({
  fileParallelism: false,
  testTimeout: testTimeoutMs * ROUNDS,
  hookTimeout: MINUTE_MS,
  teardownTimeout: MINUTE_MS,
});

export default defineConfig({
  test: {
    pool: 'forks',
    passWithNoTests: true,
    // CommonJS packages look the same as under plain Node: what they export is the default import.
    deps: { interopDefault: false },
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/**/src/**/*.test.ts',
            'services/**/*.test.ts',
            'test/tidy/**/*.test.ts',
            'test/bench/**/*.test.ts',
            'test/replay/**/*.test.ts',
            'test/simulation/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', LONG, ON_NATS],
          testTimeout: MINUTE_MS,
          maxWorkers: 2,
        },
      },
      { test: { name: 'nats', include: [ON_NATS], testTimeout: MINUTE_MS, hookTimeout: MINUTE_MS } },
      {
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: MINUTE_MS,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [LONG],
          ...oneFileAtATime(2 * MINUTE_MS),
        },
      },
      {
        test: {
          name: 'fault',
          include: ['test/fault/**/*.test.ts'],
          exclude: [LONG],
          ...oneFileAtATime(4 * MINUTE_MS),
        },
      },
      { test: { name: 'simulation', include: [SIMULATED_LONG], testTimeout: 15 * MINUTE_MS } },
      {
        test: {
          name: 'long',
          include: [`test/${LONG}`, `services/${LONG}`],
          ...oneFileAtATime(15 * MINUTE_MS),
        },
      },
    ],
  },
});
