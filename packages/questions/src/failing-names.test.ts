/** One name, asked for by several processes of a node: shown once, with what is worst of it. */
import { expect, test } from 'vitest';
import type { WorkerStatus } from '@muster/actors';
import type { FailingName } from '@muster/transport';
import { failingNames } from './failing-names.ts';

const failing = (name: string, lastsMs: number, rest: Partial<FailingName> = {}): FailingName => ({
  name,
  code: 'NAME_TIMEOUT',
  lastsMs,
  isStale: true,
  ...rest,
});

function worker(index: number, ...names: FailingName[]): WorkerStatus {
  const stats = { names: { failing: names } };
  return { index, pid: 1, state: 'serving', revision: 1, hash: null, restartsCount: 0, stats };
}

test('a name is as bad as in the process where it is worst, whether it is asked for by traffic or by probes', () => {
  const workers = [
    worker(0, failing('a.test', 100)),
    worker(1, failing('a.test', 900, { code: 'ESERVFAIL', isStale: false }), failing('b.test', 50)),
  ];
  expect(failingNames(workers, [failing('a.test', 300), failing('c.test', 2_000)])).toEqual([
    { name: 'c.test', reason: expect.stringContaining('did not answer'), lastsMs: 2_000, isStale: true },
    { name: 'a.test', reason: expect.stringContaining('failed'), lastsMs: 900, isStale: false },
    { name: 'b.test', reason: expect.stringContaining('did not answer'), lastsMs: 50, isStale: true },
  ]);
});

test('a worker that has not reported yet says nothing', () => {
  expect(failingNames([{ ...worker(0), stats: null }], [])).toEqual([]);
});
