/**
 * Fault: two nodes are told different things about the same backend at the same moment, again and again. Of each pair at
 * least one command is taken, what was answered is what is in the stream, and all nodes hold the same.
 */
import { expect } from 'vitest';
import { TestCluster } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { rounds } from '../harness/processes/rounds.ts';

const PAIRS = 20;

test('two nodes drain and retarget the same backend at once', async () => {
  await using cluster = await TestCluster.start();
  const [one, two, three] = await cluster.startNodes(3);
  const [target, otherTarget] = cluster.backends.map((backend) => backend.target);
  const name = { pool: 'p', backend: 'contested' } as const;
  const revisions: number[] = [];
  for (let pair = 0; pair < PAIRS * rounds(1); pair++) {
    // So that there is something to drain, and nothing that the roster says already.
    const ready = await three!.command({ type: 'RegisterBackend', ...name, target: target!, weight: 1 + (pair % 9) });
    if (ready.outcome === 'appended') revisions.push(ready.revision);
    const outcomes = await Promise.all([
      one!.command({ type: 'SetBackendMode', ...name, mode: pair % 2 === 0 ? 'drain' : 'ready' }),
      two!.command({ type: 'RegisterBackend', ...name, target: otherTarget!, weight: 1 + (pair % 9) }),
    ]);
    for (const outcome of outcomes) {
      if (outcome.outcome === 'appended') revisions.push(outcome.revision);
      else expect(outcome).toMatchObject({ outcome: 'unchanged' });
    }
    expect(outcomes.some(({ outcome }) => outcome === 'appended')).toBe(true);
  }
  await cluster.expectSound();
  const { messages } = await cluster.stream();
  const onSubject = messages
    .filter(({ subject }) => subject.endsWith('.backend.p.contested'))
    .map((one) => one.revision);
  expect(onSubject).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  expect(revisions).toHaveLength(onSubject.length);
});
