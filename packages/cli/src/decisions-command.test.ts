/** Decisions as a person asks for them. */
import { openObservationStore } from '@muster/observations';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startAdmin } from '@muster/admin/testing';
import type { FoundDecision } from '@muster/questions/decisions';
import { muster } from '../testing/index.ts';

const DECISION: FoundDecision = {
  worker: 1,
  requestId: 'r-1',
  timeMs: 1_800_000_000_000,
  durationMs: 2.5,
  listener: 'web',
  method: 'GET',
  authority: 'example.com',
  path: '/spells',
  queryBytes: 12,
  pool: 'spells',
  status: 200,
  termination: 'finished',
  result: 'the answer was relayed',
  attemptsCount: 2,
  attempts: [
    {
      backend: 'a',
      target: '127.0.0.1:8001',
      revision: 12,
      rosterRevision: 12,
      setMadeMs: 1_799_999_999_000,
      pendingFacts: [],
      policy: 'least_requests',
      isPanic: false,
      candidatesCount: 2,
      candidates: [
        { id: 'a', target: '127.0.0.1:8001', weight: 1, isEligible: true },
        { id: 'b', target: '127.0.0.1:8002', weight: 2, isEligible: true },
      ],
      inputs: {
        cursor: 77,
        weights: null,
        consulted: [
          { id: 'a', inFlight: 0 },
          { id: 'b', inFlight: 3 },
        ],
        inFlightTotal: 0,
      },
      keyHash: 0,
      triedIds: [],
      fullIds: [],
      undialledIds: [],
      isStrict: false,
      onlyIds: null,
      notKept: [],
      isReused: false,
      startedAtMs: 0,
      answeredAtMs: null,
      outcome: 'connect_failed',
      detail: 'connection refused',
    },
    {
      backend: 'b',
      target: '127.0.0.1:8002',
      revision: 13,
      rosterRevision: 20,
      setMadeMs: 1_799_999_999_500,
      pendingFacts: [
        {
          id: 'f-1',
          pool: 'spells',
          backend: 'd',
          timeMs: 1_799_999_999_400,
          event: { type: 'BackendTurnedUnhealthy', target: '127.0.0.1:8004', reason: 'status 503' },
        },
      ],
      policy: 'consistent_hash',
      isPanic: true,
      candidatesCount: 1_000,
      candidates: null,
      inputs: { cursor: 0, weights: null, consulted: [], inFlightTotal: 9 },
      keyHash: 42,
      triedIds: ['a'],
      fullIds: ['c'],
      undialledIds: [],
      isStrict: true,
      onlyIds: [],
      notKept: ['onlyIds'],
      isReused: true,
      startedAtMs: 0.5,
      answeredAtMs: 2.25,
      outcome: 'answered',
      detail: null,
    },
  ],
  refused: null,
};

test('one request, with everything that its picks were made from', async () => {
  await using admin = await startAdmin();
  admin.decisions = { outcome: 'found', decisions: [DECISION], silentWorkers: [] };
  const { stdout, code } = await muster(['decisions', 'r-1'], { admin });
  expect(code).toBe(0);
  expect(stdout.replace(/\d\d:\d\d:\d\d\.\d\d\d/, 'TIME')).toBe(`\
request r-1  TIME  GET example.com/spells (query of 12 bytes)
  came by listener web, worker 1; 200 in 2.5 ms: the answer was relayed
  attempt 1: pool spells at revision 12 (roster 12), least_requests from 2 candidates
    inputs: cursor 77, in flight a=0 b=3
    candidates: a×1 b×2
    picked a (127.0.0.1:8001) at 0 ms, on a new connection: connect_failed: connection refused
  attempt 2: pool spells at revision 13 (roster 20), consistent_hash from 1000 candidates, in panic
    inputs: key hash 42, in flight in all 9
    seen here and not in the journal yet: d BackendTurnedUnhealthy
    passed over, because tried: a
    passed over, because at the limit of connections: c
    passed over, because not eligible: those marked with ?
    not kept, because more than 64: onlyIds
    picked b (127.0.0.1:8002) at 0.5 ms, on a kept-alive connection: answered at 2.25 ms
`);
  expect(admin.askedDecisions).toEqual({ requestId: 'r-1', limit: 20, withCandidates: true });
});

test('a request that nobody could take says from what there was to pick', async () => {
  await using admin = await startAdmin();
  const refused = { ...DECISION.attempts[0]!, reason: 'empty_set', candidatesCount: 0, candidates: [] };
  const result = 'no healthy backend';
  const decision: FoundDecision = { ...DECISION, attempts: [], attemptsCount: 0, status: 503, result, refused };
  admin.decisions = { outcome: 'found', decisions: [decision], silentWorkers: [] };
  const { stdout } = await muster(['decisions', 'r-1'], { admin });
  expect(stdout.split('\n').slice(1)).toEqual([
    '  came by listener web, worker 1; 503 in 2.5 ms: no healthy backend',
    '  nobody was picked: empty_set: pool spells at revision 12 (roster 12), least_requests from 0 candidates',
    '',
  ]);
});

test('the newest requests, as a table or as JSON, and the workers that were silent', async () => {
  await using admin = await startAdmin();
  admin.decisions = { outcome: 'found', decisions: [DECISION], silentWorkers: [0] };
  const { stdout } = await muster(['decisions', '--limit', '5'], { admin });
  expect(stdout).toMatch(/^TIME +REQUEST +STATUS +WAY +BACKEND +ATTEMPTS +TOOK\n/);
  expect(stdout).toMatch(/ r-1 +GET \/spells +200 +web > spells +b +2 +2\.5 ms\n/);
  expect(stdout).toContain('no answer in a second: worker 0\n');
  expect(admin.askedDecisions).toEqual({ requestId: null, limit: 5, withCandidates: false });
  const json = await muster(['decisions', '--json'], { admin });
  expect(JSON.parse(json.stdout)).toEqual({ decisions: [DECISION], silentWorkers: [0] });
});

test('decisions are recorded for a while, and not any more', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-recording-'));
  try {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    await using store = openObservationStore({ path: join(folder, 'observations'), log });
    await using admin = await startAdmin({ observations: store });
    const { stdout } = await muster(['decisions', '--record', '5m'], { admin });
    expect(stdout).toMatch(
      /^every decision is recorded with the node's observations until \d\d:\d\d:\d\d; muster decisions --record 0 ends it\n$/,
    );
    const ended = await muster(['decisions', '--record', '0'], { admin });
    expect(ended.stdout).toMatch(/^no decisions are recorded any more; in \d\.\d s there were 0 decisions\n$/);
    const json = await muster(['decisions', '--record', '90s', '--json'], { admin });
    expect(JSON.parse(json.stdout)).toMatchObject({ isRecording: true, recordedCount: 0 });
    expect(admin.logged.map(({ fields }) => fields)).toMatchObject([{ seconds: 300 }, { seconds: 0 }, { seconds: 90 }]);
    expect((await muster(['decisions', '--record', '5 minutes'], { admin })).stderr).toContain('such as 90s, 5m or 1h');
    expect((await muster(['decisions', '--record', '2h'], { admin })).stderr).toContain('seconds');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a node without observations records nothing', async () => {
  await using admin = await startAdmin();
  const { code, stderr } = await muster(['decisions', '--record', '5m'], { admin });
  expect(code).toBe(1);
  expect(stderr).toContain('set enabled = true under [observations]');
});

test('a request that nobody remembers is a failure', async () => {
  await using admin = await startAdmin();
  expect(await muster(['decisions', 'r-9'], { admin })).toEqual({
    code: 1,
    stdout: '',
    stderr: 'muster: no worker remembers request r-9; each keeps its newest 1,024\n',
  });
  expect((await muster(['decisions'], { admin })).stdout).toBe('no requests yet\n');
  expect((await muster(['decisions', '--limit', '1000'], { admin })).stderr).toContain('limit');
});
