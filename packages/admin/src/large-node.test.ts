/**
 * What a large node is asked holds its event loop for no longer than a small one: three thousand backends, eight hundred pools, and
 * everything in them different from an hour ago.
 */
import { get } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { MembershipEventInput } from '@muster/membership';
import { LATENCY_BOUNDS_MS, STATUS_CLASSES } from '@muster/proxy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkerStats } from '@muster/metrics';
import { startAdmin, type AdminHarness } from '../testing/index.ts';
import { longestTurnMs, TURN_MS_MAX } from '@muster/questions/testing';

/** Enough for every one of them that is not made in turns to hold it for longer than it may; ten thousand are measured the same. */
const BACKENDS = 3_000;
const POOLS = 800;
const LISTENERS = 200;

let admin: AdminHarness;

async function publish(subject: string, event: MembershipEventInput): Promise<number> {
  const stored = {
    id: randomUUID(),
    subject: `muster.default.${subject}`,
    origin: null,
    payload: JSON.stringify(event),
  };
  const outcome = await admin.node.journal.append(stored);
  if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
  return outcome.revision;
}

/** The reports of a worker whose pools and backends have all had traffic. */
function busyStats(): WorkerStats {
  const names = Array.from({ length: BACKENDS }, (_, index) => `b-${index}`);
  const now = { requestsInFlight: 0, requestsWaiting: 0, connectionsOpen: 0, connectionsIdle: 0 };
  const latency = { counts: Array(LATENCY_BOUNDS_MS.length + 1).fill(1) as number[], sumMs: 5 };
  const ofPool = (pool: string, backends: readonly string[]) => ({
    listener: 'l-0',
    pool,
    backends,
    requests: backends.flatMap(() => Array(STATUS_CLASSES.length).fill(1) as number[]),
    terminations: { finished: 5 },
    retries: 1,
    staleConnections: 1,
    duration: latency,
    answer: latency,
  });
  const pools = Array.from({ length: POOLS }, (_, index) => `p-${index}`);
  const stats = {
    listeners: Object.fromEntries(
      Array.from({ length: LISTENERS }, (_, index) => [
        `l-${index}`,
        {
          open: 1,
          accepted: 1,
          acceptFailures: 0,
          bytesFromDownstream: 1,
          bytesFromUpstream: 1,
          refused: { full: 1 },
          closed: { finished: 2, reset: 1 },
        },
      ]),
    ),
    pools: Object.fromEntries(
      pools.map((pool) => [
        pool,
        {
          now,
          connectFailures: 1,
          retries: 1,
          picksByBackend: pool === 'p-0' ? Object.fromEntries(names.map((name) => [name, 3])) : {},
        },
      ]),
    ),
    total: {},
    names: { namesFailing: 0, failing: [], waits: 0, answers: { found: 1 }, staleAnswers: 0 },
    accessLog: { written: 1, dropped: 0 },
    http: { refusedHeads: {}, pools: pools.map((pool) => ofPool(pool, pool === 'p-0' ? names : [])) },
  };
  return stats as unknown as WorkerStats;
}

beforeAll(async () => {
  admin = await startAdmin();
  const events: [string, MembershipEventInput][] = [];
  for (let pool = 0; pool < POOLS; pool++) events.push([`pool.p-${pool}`, { type: 'PoolDefined' }]);
  for (let listener = 0; listener < LISTENERS; listener++) {
    events.push([
      `listener.l-${listener}`,
      { type: 'ListenerDefined', bind: '127.0.0.1:0', protocol: 'http', pool: 'p-0' },
    ]);
  }
  for (let backend = 0; backend < BACKENDS; backend++) {
    events.push([
      `backend.p-0.b-${backend}`,
      { type: 'BackendRegistered', target: `10.0.${backend >> 8}.${backend & 255}:80` },
    ]);
  }
  for (const [subject, event] of events) await publish(subject, event);
  let revision = 0;
  for (let backend = 0; backend < BACKENDS; backend++) {
    revision = await publish(`backend.p-0.b-${backend}`, {
      type: 'BackendModeSet',
      mode: backend % 3 === 0 ? 'drain' : 'maint',
      reason: 'r',
    });
  }
  await admin.node.folded(revision);
  report();
});

/** Both workers have reported anew. */
function report(): void {
  const worker = { state: 'serving', revision: 1, hash: null, restartsCount: 0 } as const;
  const workers = [0, 1].map((index) => ({ ...worker, index, pid: index + 1, stats: busyStats() }));
  admin.node.overrides = { workers };
}

afterAll(async () => {
  await admin?.[Symbol.asyncDispose]();
});

/** Reads an answer to its end and looks at none of it: how many bytes, and its status. */
function read(path: string): Promise<{ status: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    get(`${admin.url}${path}`, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
      answer.on('end', () => resolve({ status: answer.statusCode!, bytes }));
      answer.on('error', reject);
    }).on('error', reject);
  });
}

test.each([
  '/v1/status',
  '/v1/roster',
  '/v1/pools/p-0',
  '/metrics',
  '/openapi.json',
  '/v1/events',
  '/v1/replay',
  '/v1/replay?at=4000',
  `/v1/diff?from=${POOLS + LISTENERS}`,
  '/v1/diff?from=4000',
  '/v1/diff?from=1',
  '/v1/explain/backend?pool=p-0&backend=b-77',
  '/v1/export?from=1',
])('%s', async (path) => {
  // Once so that the code is loaded.
  await read(path);
  const turnMs = await longestTurnMs(async () => {
    report();
    expect(await read(path)).toMatchObject({ status: 200 });
  });
  expect(turnMs).toBeLessThan(TURN_MS_MAX);
});
