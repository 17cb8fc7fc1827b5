/**
 * Fault: kill -9 of a node while many appends are on their way through it; of its control process alone, of its workers with
 * it, and so that it stays away longer than its lease. What was answered is in the stream once, what was not is there at
 * most once, and sending it again settles it.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { sendAgain, startAdminAppends, type AdminAppend } from '../harness/admin-appends.ts';
import { CLUSTER, TestCluster, type WholeStream } from '../harness/cluster.ts';
import { test } from '../harness/cluster-test.ts';
import { startLoad } from '../harness/load.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually, isAlive } from '../harness/processes/process.ts';
import { rounds } from '../harness/processes/rounds.ts';

const LANES = 32;
const ANSWERED_BEFORE_KILL = 200;
/** What a node that says nothing else has for its lease. */
const NODE_LEASE_MS = 10_000;
const VICTIM = 'lb-1';

type Kill = 'control process' | 'all its processes' | 'away longer than its lease';
const KILLS: readonly Kill[] = ['control process', 'all its processes', 'away longer than its lease'];

async function kill(node: TestNode, which: Kill): Promise<void> {
  const workerPids = await node.workerPids();
  const ended = node.process.end('SIGKILL');
  if (which !== 'control process') for (const pid of workerPids) process.kill(pid, 'SIGKILL');
  await ended;
  await eventually('no worker outlives its node', () => !workerPids.some(isAlive));
}

/** Where each event and each command is stored, by its id or its origin. */
function revisionsOf({ messages }: WholeStream): Map<string, number[]> {
  const revisionsByKey = new Map<string, number[]>();
  for (const { id, origin, revision } of messages) {
    for (const key of new Set([id, origin ?? '']))
      revisionsByKey.set(key, [...(revisionsByKey.get(key) ?? []), revision]);
  }
  return revisionsByKey;
}

/** Where the stream is not as it was answered; nothing, if all is well. */
function brokenAnswers(appends: readonly AdminAppend[], stream: WholeStream): string[] {
  const revisionsByKey = revisionsOf(stream);
  return appends.flatMap(({ key, answer }) => {
    const stored = revisionsByKey.get(key) ?? [];
    const answered = answer !== null && 'revision' in answer ? [answer.revision] : [];
    const isKept = answer === null ? stored.length < 2 : isDeepStrictEqual(stored, answered);
    return isKept ? [] : [`${key}: answered ${JSON.stringify(answer)}, stored at ${JSON.stringify(stored)}`];
  });
}

/** Every event without an answer, through a node that lives. Says at which revision each is now. */
async function settle(unanswered: readonly AdminAppend[], living: TestNode): Promise<readonly AdminAppend[]> {
  const settled: AdminAppend[] = [];
  for (const append of unanswered) {
    const answer = await sendAgain(living, append);
    expect(answer).toHaveProperty('revision');
    settled.push({ ...append, answer });
  }
  return settled;
}

async function nodeStops(cluster: TestCluster): Promise<readonly string[]> {
  const { messages } = await cluster.stream();
  const ofVictim = messages.filter(({ subject }) => subject === `muster.${CLUSTER}.node.${VICTIM}`);
  return ofVictim.flatMap(({ payload }) => (payload.includes('NodeStopped') ? [payload] : []));
}

test('a node is killed while 32 appends are on their way through it', async () => {
  await using cluster = await TestCluster.start();
  const [, second, third] = await cluster.startNodes(3);
  await cluster.writer.publish('pool.q', { type: 'PoolDefined' });
  const loads = [startLoad(await second!.address('front'), 1), startLoad(await third!.address('front'), 1)];
  const target = cluster.backends[0]!.target;
  let stopsCount = 0;
  for (let round = 0; round < KILLS.length * rounds(1); round++) {
    const which = KILLS[round % KILLS.length]!;
    const victim = cluster.nodesById.get(VICTIM)!;
    const appending = startAdminAppends(victim, { pool: 'q', target, lanes: LANES, name: `round-${round}` });
    await eventually('appends are on their way', () => appending.answeredCount() >= ANSWERED_BEFORE_KILL);
    const killedMs = performance.now();
    await kill(victim, which);
    const appends = await appending.stop();
    const unanswered = appends.filter(({ answer }) => answer === null);
    expect(unanswered.length).toBeGreaterThan(0);
    expect(appends.filter(({ answer }) => answer !== null && 'refused' in answer)).toEqual([]);
    const stream = await cluster.stream();
    expect(brokenAnswers(appends, stream)).toEqual([]);
    const revisionsByKey = revisionsOf(stream);
    const storedCount = unanswered.filter(({ key }) => revisionsByKey.has(key)).length;
    const settled = await settle(
      unanswered.filter(({ kind }) => kind === 'event'),
      second!,
    );
    expect(brokenAnswers(settled, await cluster.stream())).toEqual([]);

    if (which === 'away longer than its lease') {
      stopsCount += 1;
      await eventually(
        'it is declared stopped',
        async () => (await nodeStops(cluster)).length >= stopsCount,
        2 * NODE_LEASE_MS,
      );
    }
    const awayMs = performance.now() - killedMs;
    await cluster.startNode(VICTIM);
    const { tookMs } = await cluster.agreed({ withinMs: 2_000 });
    expect(await nodeStops(cluster)).toHaveLength(stopsCount);
    const counts = { appends: appends.length, unanswered: unanswered.length, ofTheseStored: storedCount };
    process.stdout.write(
      `${JSON.stringify({ which, ...counts, awayMs: Math.round(awayMs), agreedMs: Math.round(tookMs) })}\n`,
    );
  }
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
  for (const load of loads) expect(load.succeededCount()).toBeGreaterThan(100);
  await cluster.expectSound();
});
