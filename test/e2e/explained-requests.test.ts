/**
 * Requests of a real node, explained from what it leaves on its disk: decisions that were recorded on demand, with its observations,
 * and its journal. The node itself has stopped by then.
 */
import { openEmbeddedJournal } from '@muster/journal-embedded';
import { ObservationReader, type Observation } from '@muster/observations';
import { createReplay, explainRequest, parseAccessLine, recordedDecisions, type ReplaySource } from '@muster/replay';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { refusingTarget } from '../harness/backend.ts';
import { startNamedHttp } from '../harness/http/http-backend.ts';
import { ask, type Address } from '../harness/http/http-client.ts';
import { oneHttpPool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

interface Recording {
  readonly isRecording: boolean;
  readonly recordedCount: number;
  readonly droppedCount: number;
}

const recordingOf = async ({ admin }: TestNode) =>
  (await (await fetch(`${admin}/v1/decisions/recording`)).json()) as Recording;

/** The ids of so many requests, four at a time. */
async function askMany(address: Address, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let begun = 0; begun < count; begun += 4) {
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask(address, { path: '/spells' })));
    ids.push(...answers.map(({ headers }) => headers['x-request-id'] as string));
  }
  return ids;
}

test('recorded requests are explained after the node has stopped, each pick as it was', async () => {
  await using folder = await testFolder();
  await using first = await startNamedHttp('b-1');
  await using second = await startNamedHttp('b-2');
  const poolLines = 'policy = "least_requests"\nejection = { consecutiveFailures = 3, baseMs = 600000 }';
  const targets = [first.target, second.target, await refusingTarget()];
  const config = oneHttpPool(targets, { poolLines, listenerLines: 'accessLog = "all"' });
  await using node = await startTestNode({ folder, config, workers: 2 });
  const address = await node.address('front');
  const before = (await ask(address)).headers['x-request-id'] as string;

  expect(await node.muster('decisions', '--record', '5m')).toMatchObject({ code: 0 });
  const ids = await askMany(address, 60);
  await node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain', reason: 'deploy' });
  await eventually('the workers know of the drain', async () => {
    const { revision, workers } = await node.status();
    return workers.every((worker) => worker.revision === revision);
  });
  ids.push(...(await askMany(address, 20)));
  await eventually('all are recorded', async () => (await recordingOf(node)).recordedCount >= ids.length);
  expect(await node.muster('decisions', '--record', '0')).toMatchObject({ code: 0 });
  const after = await askMany(address, 4);
  expect(await recordingOf(node)).toMatchObject({ isRecording: false, recordedCount: ids.length, droppedCount: 0 });
  expect(await node.stop()).toBe(0);

  const opened = await openEmbeddedJournal({ path: join(folder.path, 'lb-1.journal') });
  await using journal = opened;
  const seen = new ObservationReader({ path: join(folder.path, 'lb-1.observations') });
  const source: ReplaySource = {
    name: 'what lb-1 left',
    cluster: 'default',
    node: 'lb-1',
    head: () => journal.head(),
    read: (options) => journal.read(options),
    loadSnapshot: (...options) => journal.loadSnapshot(...options),
    observations: (query) => seen.observations(query),
    observedSinceMs: () => seen.observedSinceMs(),
  };
  const kept: Observation[] = [];
  for await (const observation of seen.observations({ kinds: ['decision'] })) kept.push(observation);
  const keptIds = kept.flatMap((observation) =>
    observation.kind === 'decision' ? [observation.decision.requestId] : [],
  );
  expect(keptIds.toSorted()).toEqual(ids.toSorted());

  const replay = createReplay(source);
  const outcomes = new Set<string>();
  const roles = new Set<string>();
  for (const id of ids) {
    const [evidence] = await recordedDecisions(source, id);
    const { attempts, missing } = await explainRequest(replay, evidence!);
    expect(missing).toEqual([]);
    for (const { set, pick, check, backends } of attempts) {
      outcomes.add(`${check?.outcome} ${set.outcome} ${pick.outcome}`);
      for (const { id: backend, role, ineligible } of backends)
        roles.add(`${backend} ${role} ${ineligible?.axis ?? ''}`);
    }
  }
  expect([...outcomes]).toEqual(['checked equal equal']);
  expect([...roles]).toEqual(expect.arrayContaining(['b-1 picked ', 'b-1 out mode', 'b-3 out ejection', 'b-3 tried ']));

  expect(await recordedDecisions(source, before)).toEqual([]);
  const line = await eventually('the line is written', async () => {
    return node.process
      .output()
      .split('\n')
      .find((text) => text.includes(after[0]!));
  });
  const parsed = parseAccessLine(line);
  if (!parsed.ok) throw new Error(parsed.message);
  const [attempt] = (await explainRequest(replay, parsed.line)).attempts;
  expect(attempt!.backends.map(({ id, role }) => `${id} ${role}`)).toEqual(['b-1 out', 'b-2 picked', 'b-3 out']);
  expect(attempt!.missing.map(({ input }) => input)).toEqual(['pending-facts', 'policy-inputs', 'passed-over']);
});
