/**
 * Which tests belong to which run. `npm test` runs all but `simulation` and `long` in one go, in two groups one after the other:
 *
 *     0  conformance e2e fault nats unit    four files at a time on two cores, since most of them wait most of the time
 *     1  alone                              one at a time: files that measure what a user may count on, in milliseconds
 *
 * `e2e` and `fault` start nodes as their users do. `conformance` fuzzes the data plane against another parser; `nats` has the
 * packages whose tests need NATS servers; `simulation` is two thousand seeds of a whole cluster, and `long` is that and whatever
 * else takes minutes.
 *
 * Files of that first group share their processes, because loading the same modules again for each costs as much as the tests
 * themselves. So a test gives back what it takes: a changed environment, a listener on `process`, a spy.
 *
 * The deadlines are for a machine with twenty times more to do than it has cores; a test that fails is not late, it is wrong.
 *
 * Nothing here watches, covers or mocks: a project is a list of files and their deadlines.
 */
import { defineConfig } from 'vitest/config';

const LONG = '**/*.long.test.ts';
const ALONE = '**/*.alone.test.ts';
/** Their unit tests talk to real NATS servers. */
const ON_NATS = 'packages/{journal-jetstream,nats,nats-server,publisher}/src/**/*.test.ts';
/** Thousands of seeds, in processes of their own. */
const SIMULATED_LONG = 'test/simulation/**/*.long.test.ts';
const MINUTE_MS = 60_000;
/** How often faults are repeated; see `test/harness/processes/rounds.ts`. */
const ROUNDS = Number(process.env['MUSTER_FAULT_ROUNDS'] ?? 1);

/** Groups come one after another, by `groupOrder`; the files of a group run side by side, so many at a time. */
const TOGETHER = { maxWorkers: 4, sequence: { groupOrder: 0 } };
const ONE_BY_ONE = { maxWorkers: 1, sequence: { groupOrder: 1 } };

/** Deadlines of a project whose tests start processes, for one round. */
const ofProcesses = (testTimeoutMs: number) => ({
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
            'packages/*/testing/**/*.test.ts',
            'services/**/*.test.ts',
            'test/tidy/**/*.test.ts',
            'test/bench/**/*.test.ts',
            'test/replay/**/*.test.ts',
            'test/simulation/**/*.test.ts',
            'test/entrances/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', LONG, ALONE, ON_NATS],
          isolate: false,
          testTimeout: 2 * MINUTE_MS,
          ...TOGETHER,
        },
      },
      {
        test: {
          name: 'nats',
          include: [ON_NATS],
          isolate: false,
          testTimeout: MINUTE_MS,
          hookTimeout: MINUTE_MS,
          ...TOGETHER,
        },
      },
      {
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          isolate: false,
          exclude: [LONG],
          testTimeout: MINUTE_MS,
          ...TOGETHER,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          isolate: false,
          exclude: [LONG, ALONE],
          ...ofProcesses(2 * MINUTE_MS),
          ...TOGETHER,
        },
      },
      {
        test: {
          name: 'fault',
          include: ['test/fault/**/*.test.ts'],
          isolate: false,
          exclude: [LONG, ALONE],
          ...ofProcesses(4 * MINUTE_MS),
          ...TOGETHER,
        },
      },
      {
        test: {
          name: 'alone',
          include: [`test/${ALONE}`, `packages/${ALONE}`],
          ...ofProcesses(4 * MINUTE_MS),
          ...ONE_BY_ONE,
        },
      },
      { test: { name: 'simulation', include: [SIMULATED_LONG], testTimeout: 15 * MINUTE_MS } },
      {
        test: {
          name: 'long',
          include: [`test/${LONG}`, `services/${LONG}`],
          ...ofProcesses(15 * MINUTE_MS),
          ...ONE_BY_ONE,
        },
      },
    ],
  },
});
