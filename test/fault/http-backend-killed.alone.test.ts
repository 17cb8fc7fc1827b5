/**
 * Faults: a backend, and a worker, is killed with -9 under load. When a backend dies, no GET is lost with a kept-alive connection or
 * with a connect; one that was sent on a new connection is answered with 502, because nobody can know whether the backend dies of it.
 * A POST reaches one backend at most.
 */
import { expect, test } from 'vitest';
import { startRecordingBackend, type RecordingBackend } from '../harness/http/http-backend.ts';
import { startHttpLoad, type HttpLoad } from '../harness/http/http-load.ts';
import { failuresNotAt, killAs, killProcesses, type Kill } from '../harness/processes/kill.ts';
import { oneHttpPool, startTestNode, testFolder, type TestFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';
import { backendSeenBy } from '../harness/roster.ts';
import { rounds } from '../harness/processes/rounds.ts';

const CLIENTS = 50;
const ROUNDS = rounds(2);
// A backend that is back before a probe has missed it stays ejected for its time, so that is short.
const POOL = {
  poolLines:
    'health = { http = "/healthz", intervalMs = 200, timeoutMs = 1000, rise = 1, fall = 2 }\nejection = { baseMs = 500 }',
};

/** Three backends that can be killed and started again; a name that lives on. */
class Backends implements AsyncDisposable {
  readonly living: RecordingBackend[] = [];
  readonly #folder: TestFolder;

  constructor(folder: TestFolder) {
    this.#folder = folder;
  }

  async start(): Promise<void> {
    const names = ['b-1', 'b-2', 'b-3'];
    const folder = this.#folder.path;
    this.living.push(...(await Promise.all(names.map((name) => startRecordingBackend({ name, folder })))));
  }

  get targets(): string[] {
    return this.living.map(({ target }) => target);
  }

  kill(index: number): Promise<Kill> {
    return killAs(() => this.living[index]!.process.end('SIGKILL'));
  }

  async startAgain(index: number): Promise<void> {
    const { name, port } = this.living[index]!;
    this.living[index] = await startRecordingBackend({ name, port, folder: this.#folder.path });
  }

  /** Every POST that arrived anywhere. */
  async arrivedIds(): Promise<string[]> {
    return (await Promise.all(this.living.map((backend) => backend.arrivedIds()))).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.living.map((backend) => backend[Symbol.asyncDispose]()));
  }
}

/** The backend has its share again. */
async function answersAgain(load: HttpLoad, name: string): Promise<void> {
  const before = load.answersByBackend.get(name) ?? 0;
  await eventually(`${name} answers`, () => (load.answersByBackend.get(name) ?? 0) > before + 2 * CLIENTS);
}

async function isEligible(node: TestNode, name: string, wanted: boolean): Promise<void> {
  await eventually(`${name} is ${wanted ? 'taken back' : 'left'}`, async () => {
    return (await backendSeenBy(node, 'p', name))?.eligibility.isEligible === wanted;
  });
}

async function killInTurns(node: TestNode, backends: Backends, load: HttpLoad): Promise<Kill[]> {
  const kills: Kill[] = [];
  for (const { name } of backends.living) await answersAgain(load, name);
  for (let round = 0; round < ROUNDS; round++) {
    const index = round % backends.living.length;
    const { name } = backends.living[index]!;
    kills.push(await backends.kill(index));
    await isEligible(node, name, false);
    await backends.startAgain(index);
    await isEligible(node, name, true);
    await answersAgain(load, name);
  }
  return kills;
}

interface LoggedFailure {
  readonly termination: string;
  readonly attempts: readonly { readonly backend: string; readonly isReused: boolean; readonly outcome: string }[];
}

/** What the access log says of requests that failed: each whole line. */
function loggedFailures(node: TestNode): LoggedFailure[] {
  const lines = node.process.output().split('\n').slice(0, -1);
  return lines.filter((line) => line.includes('"termination":')).map((line) => JSON.parse(line) as LoggedFailure);
}

const postText = (serial: number) =>
  `POST /spells HTTP/1.1\r\nHost: example.test\r\nX-Id: post-${serial}\r\nContent-Length: 7\r\n\r\na spell`;

function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}

test(`GETs: kill -9 of a backend under ${CLIENTS} connections, ${ROUNDS} times, costs none that had a kept-alive one`, async () => {
  await using folder = await testFolder();
  await using backends = new Backends(folder);
  await backends.start();
  await using node = await startTestNode({ folder, workers: 2, config: oneHttpPool(backends.targets, POOL) });
  const load = startHttpLoad(await node.address('front'), { clients: CLIENTS });
  const kills = await killInTurns(node, backends, load);
  await load.stop();
  expect(load.refusedCount()).toBe(0);
  expect(failuresNotAt(load.failures, kills)).toEqual([]);
  const logged = await eventually('each failure is in the access log', () => {
    const lines = loggedFailures(node);
    return lines.length >= load.failures.length && lines;
  });
  expect(logged.filter(({ attempts }) => attempts.at(-1)!.isReused)).toEqual([]);
  expect(logged.filter(({ termination }) => termination !== 'no_answer')).toEqual([]);
  expect(logged).toHaveLength(load.failures.length);
  expect(logged.length).toBeLessThan((ROUNDS * CLIENTS) / 4);
});

test(`POSTs: kill -9 of a backend, ${ROUNDS} times: none arrives twice, and only those in flight fail`, async () => {
  await using folder = await testFolder();
  await using backends = new Backends(folder);
  await backends.start();
  await using node = await startTestNode({ folder, workers: 2, config: oneHttpPool(backends.targets, POOL) });
  const load = startHttpLoad(await node.address('front'), { clients: CLIENTS, requestText: postText });
  const kills = await killInTurns(node, backends, load);
  await load.stop();
  expect(failuresNotAt(load.failures, kills)).toEqual([]);
  expect(load.failures.map(({ status }) => status)).toEqual(load.failures.map(() => 502));
  const ids = await backends.arrivedIds();
  expect(repeated(ids)).toEqual([]);
  expect(ids.length).toBeGreaterThanOrEqual(load.succeededCount());
  expect(ids.length).toBeLessThanOrEqual(load.succeededCount() + load.failures.length);
});

test(`POSTs: kill -9 of a worker, ${ROUNDS} times: none arrives twice, and only those in flight fail`, async () => {
  await using folder = await testFolder();
  await using backends = new Backends(folder);
  await backends.start();
  await using node = await startTestNode({ folder, workers: 2, config: oneHttpPool(backends.targets, POOL) });
  const load = startHttpLoad(await node.address('front'), { clients: CLIENTS, requestText: postText });
  const kills: Kill[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await answersAgain(load, 'b-1');
    const pids = await eventually('two workers serve', async () => {
      const serving = await node.workerPids();
      return serving.length === 2 && serving;
    });
    kills.push(await killProcesses(pids[round % 2]!));
    await eventually('another takes its place', async () => !(await node.workerPids()).includes(pids[round % 2]!));
  }
  await answersAgain(load, 'b-1');
  await load.stop();
  expect(failuresNotAt(load.failures, kills)).toEqual([]);
  expect(load.failures.filter(({ status }) => status !== null)).toEqual([]);
  const ids = await backends.arrivedIds();
  expect(repeated(ids)).toEqual([]);
  expect(ids.length).toBeGreaterThanOrEqual(load.succeededCount());
});
