/** What an explanation says of each backend, what it compares, and what it says is missing. Picks under churn: `test/replay`. */
import { emptyRoster, fold, type PendingFact, type Roster } from '@muster/membership';
import type { DecidedAttempt, Decision } from '@muster/selection';
import { describe, expect, test } from 'vitest';
import type { AccessLine } from './access-line.ts';
import { explainRequest, type RosterSource } from './explain-request.ts';
import type { HashCheck } from '../fold/hash-check.ts';
import { ReplayError } from '../log/replay-error.ts';
import { recordedDecisions } from './request-evidence.ts';

const EVENTS: readonly [string, object][] = [
  ['pool.p', { type: 'PoolDefined', health: { tcp: true }, panicThreshold: 0 }],
  ...['a', 'b', 'c', 'd'].flatMap((id): [string, object][] => [
    [`backend.p.${id}`, { type: 'BackendRegistered', target: `${id}:80` }],
    [`health.lb-1.p.${id}`, { type: 'BackendTurnedHealthy', target: `${id}:80`, reason: 'tcp' }],
  ]),
  ['backend.p.c', { type: 'BackendModeSet', mode: 'drain', reason: 'deploy' }],
  ['pool.q', { type: 'PoolDefined' }],
  ['backend.p.e', { type: 'BackendRegistered', target: 'e:80' }],
];

const rosters = EVENTS.reduce<Roster[]>(
  (reached, [subject, event], index) => {
    const recorded = { revision: index + 1, timeMs: index, id: `event-${index}`, origin: null };
    const folded = fold(reached.at(-1)!, {
      ...recorded,
      subject: `muster.demo.${subject}`,
      payload: JSON.stringify(event),
    });
    if (folded.rejection !== null) throw new Error(folded.rejection.message);
    return [...reached, folded.roster];
  },
  [emptyRoster('demo')],
);
/** Of the drain, of the pool q, and of the newest event. */
const [DRAINED, OTHER, NEWEST] = [10, 11, 12];
const CHECK: HashCheck = { outcome: 'unchecked', why: 'no node recorded a hash' };
const source: RosterSource = { rosterAt: async (revision) => ({ roster: rosters[revision]!, check: CHECK }) };

const FACT: PendingFact = {
  id: 'f',
  pool: 'p',
  backend: 'd',
  timeMs: 5,
  event: { type: 'BackendTurnedUnhealthy', target: 'd:80', reason: 'status 503' },
};
const candidate = (id: string) => ({ id, target: `${id}:80`, weight: 1, isEligible: true });
/** At the drain a and b are candidates, c is drained, and of d it is seen here that it is unhealthy. b was picked in its turn. */
const ATTEMPT: DecidedAttempt = {
  backend: 'b',
  target: 'b:80',
  revision: DRAINED,
  rosterRevision: OTHER,
  setMadeMs: 100,
  pendingFacts: [FACT],
  policy: 'round_robin',
  isPanic: false,
  candidatesCount: 2,
  candidates: [candidate('a'), candidate('b')],
  inputs: { cursor: 1, weights: null, consulted: [], inFlightTotal: 0 },
  keyHash: 0,
  triedIds: [],
  fullIds: [],
  undialledIds: [],
  isStrict: false,
  onlyIds: null,
  notKept: [],
  isReused: false,
  startedAtMs: 0,
  answeredAtMs: 1,
  outcome: 'answered',
  detail: null,
};
const DECISION: Decision = {
  requestId: 'r-1',
  timeMs: 100,
  durationMs: 2,
  listener: 'web',
  method: 'GET',
  authority: 'example.com',
  path: '/',
  queryBytes: 0,
  pool: 'p',
  status: 200,
  termination: 'finished',
  result: 'the answer was relayed',
  attemptsCount: 1,
  attempts: [ATTEMPT],
  refused: null,
};

async function explained(changes: Partial<DecidedAttempt>, from = source) {
  const decision = { ...DECISION, attempts: [{ ...ATTEMPT, ...changes }] };
  const explanation = await explainRequest(from, { decision, node: 'lb-1', worker: 2 });
  expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
  return explanation.attempts[0]!;
}
const rolesOf = ({ backends }: Awaited<ReturnType<typeof explained>>) =>
  Object.fromEntries(backends.map(({ id, role }) => [id, role]));

test('each backend of the pool has a role, and what keeps it out names the event', async () => {
  const attempt = await explained({});
  expect(attempt).toMatchObject({
    number: 1,
    backend: 'b',
    revision: DRAINED,
    rosterRevision: OTHER,
    check: CHECK,
    missing: [],
    set: { outcome: 'equal', comparedBy: 'candidates' },
    pick: { outcome: 'equal' },
  });
  expect(attempt.backends).toEqual([
    { id: 'a', target: 'a:80', weight: 1, role: 'candidate', ineligible: null },
    { id: 'b', target: 'b:80', weight: 1, role: 'picked', ineligible: null },
    {
      id: 'c',
      target: 'c:80',
      weight: null,
      role: 'out',
      ineligible: { axis: 'mode', value: 'drain', revision: DRAINED, reason: 'deploy' },
    },
    {
      id: 'd',
      target: 'd:80',
      weight: null,
      role: 'out',
      ineligible: { axis: 'health', value: 'unhealthy', revision: 0, reason: 'status 503' },
    },
  ]);
});

test.each([
  [{ triedIds: ['a'] }, 'tried'],
  [{ fullIds: ['a'] }, 'full'],
  [{ undialledIds: ['a'] }, 'undialled'],
  [{ onlyIds: ['b'] }, 'filtered'],
] as const)('who was passed over: %j', async (changes, role) => {
  const inputs = { ...ATTEMPT.inputs, cursor: 0 };
  const attempt = await explained({ ...changes, inputs });
  expect(rolesOf(attempt)).toMatchObject({ a: role, b: 'picked' });
  expect(attempt.pick).toEqual({ outcome: 'equal' });
});

describe('what is not what was recorded is said', () => {
  test('another pick', async () => {
    const { set, pick } = await explained({ inputs: { ...ATTEMPT.inputs, cursor: 0 } });
    expect(set.outcome).toBe('equal');
    expect(pick).toEqual({ outcome: 'differs', recomputed: 'a', why: 'the policy picks a from this set' });
  });

  test('inputs that do not fit', async () => {
    const { pick } = await explained({ inputs: { ...ATTEMPT.inputs, cursor: 7 } });
    expect(pick).toMatchObject({ outcome: 'differs', recomputed: null });
  });

  test('another set: the pick is then made from the recorded one', async () => {
    const heavy = { ...candidate('b'), weight: 1, target: 'b:81' };
    const { set, pick } = await explained({
      pendingFacts: [],
      candidates: [candidate('a'), heavy],
      revision: DRAINED - 1,
    });
    expect(set).toEqual({
      outcome: 'differs',
      differences: [
        `revision: ${DRAINED - 1} recorded, ${DRAINED} now`,
        'number of candidates: 2 recorded, 3 now',
        'target of b: b:81 recorded, b:80 now',
        'd: a candidate now, not then',
      ],
    });
    expect(pick).toEqual({ outcome: 'equal' });
    const unlisted = await explained({ pendingFacts: [], candidates: null });
    expect(unlisted.pick).toEqual({ outcome: 'not-made', why: 'the set is not known' });
  });

  test('no such pool', async () => {
    const { set, backends } = await explained({ rosterRevision: 0 });
    expect(set).toEqual({ outcome: 'differs', differences: ['the roster has no such pool'] });
    expect(backends).toEqual([]);
  });

  test('an answer of the log itself that cannot be trusted is none', async () => {
    const refusing: RosterSource = {
      rosterAt: () => Promise.reject(new ReplayError('hash-differs', 'the hashes differ')),
    };
    await expect(explained({}, refusing)).rejects.toThrow('the hashes differ');
  });
});

describe('what is missing is named', () => {
  test('a roster that retention has removed: the recorded candidates are left', async () => {
    const message = 'the log begins at revision 500';
    const compacted: RosterSource = {
      rosterAt: () => Promise.reject(new ReplayError('compacted', message)),
    };
    const attempt = await explained({}, compacted);
    expect(attempt).toMatchObject({
      missing: [{ input: 'roster', message }],
      set: { outcome: 'not-made', why: message },
      pick: { outcome: 'equal' },
    });
    expect(rolesOf(attempt)).toEqual({ a: 'candidate', b: 'picked' });
  });

  test('facts that were too many', async () => {
    const { set, pick, missing } = await explained({ pendingFacts: [], notKept: ['pendingFacts'], candidates: null });
    expect(missing.map(({ input }) => input)).toEqual(['pending-facts']);
    expect([set.outcome, pick.outcome]).toEqual(['not-made', 'not-made']);
  });

  test.each(['fullIds', 'onlyIds'] as const)('%s that were too many', async (what) => {
    const { set, pick, missing } = await explained({ notKept: [what] });
    expect(missing.map(({ input }) => input)).toEqual(['passed-over']);
    expect([set.outcome, pick.outcome]).toEqual(['equal', 'not-made']);
  });

  test('attempts beyond those that are kept, and a request that nobody was asked about', async () => {
    const missingOf = async (decision: Decision) =>
      (await explainRequest(source, { decision, node: 'lb-1', worker: 0 })).missing.map(({ input }) => input);
    expect(await missingOf({ ...DECISION, attemptsCount: 9 })).toEqual(['attempts']);
    expect(await missingOf({ ...DECISION, attempts: [], attemptsCount: 0, pool: null })).toEqual(['roster-revision']);
  });
});

test('a pick that found nobody is equal where nobody could be picked', async () => {
  const refusal = { ...ATTEMPT, reason: 'connect_failed', triedIds: ['a', 'b'] };
  const explain = async (refused: Decision['refused']) => {
    const decision = { ...DECISION, attempts: [], attemptsCount: 0, refused };
    return (await explainRequest(source, { decision, node: 'lb-1', worker: 0 })).refused!;
  };
  const explainedRefusal = await explain(refusal);
  expect(explainedRefusal).toMatchObject({ reason: 'connect_failed', pick: { outcome: 'equal' } });
  expect(explainedRefusal.backends.map(({ role }) => role)).toEqual(['tried', 'tried', 'out', 'out']);
  const wrong = await explain({ ...refusal, triedIds: ['a'] });
  expect(wrong.pick).toEqual({ outcome: 'differs', recomputed: 'b', why: 'b could have been picked' });
});

describe('from a line of the access log', () => {
  const { attempts: _attempts, attemptsCount: _count, refused: _refused, ...request } = DECISION;
  const tried = {
    backend: 'a',
    target: 'a:80',
    outcome: 'connect_failed',
    isReused: false,
    startedAtMs: 0,
    answeredAtMs: null,
    revision: DRAINED,
    rosterRevision: OTHER,
    detail: 'connection refused',
  };
  const answered = { ...tried, backend: 'b', target: 'b:80', outcome: 'answered', detail: null };
  const line: AccessLine = {
    node: 'lb-1',
    worker: 0,
    request,
    revision: DRAINED,
    rosterRevision: OTHER,
    attemptsCount: 2,
    attempts: [tried, answered],
  };

  test('the roster tells of each backend; pick and set cannot be made again', async () => {
    const { attempts, missing } = await explainRequest(source, line);
    expect(missing).toEqual([]);
    expect(attempts.map(rolesOf)).toEqual([
      { a: 'picked', b: 'candidate', c: 'out', d: 'candidate' },
      { a: 'tried', b: 'picked', c: 'out', d: 'candidate' },
    ]);
    for (const { set, pick, missing: inputs } of attempts) {
      expect([set.outcome, pick.outcome]).toEqual(['not-made', 'not-made']);
      expect(inputs.map(({ input }) => input)).toEqual(['pending-facts', 'policy-inputs', 'passed-over']);
    }
  });

  test('without its first attempts nobody is said to have been tried', async () => {
    const { attempts, missing } = await explainRequest(source, { ...line, attemptsCount: 5 });
    expect(missing).toEqual([{ input: 'attempts', message: '3 of its 5 attempts were not written down' }]);
    expect(attempts.map(({ number }) => number)).toEqual([4, 5]);
    expect(rolesOf(attempts[1]!)).toMatchObject({ a: 'candidate' });
  });

  test('a request that nobody took is explained by the roster of its last pick', async () => {
    const nobody = { ...line, attempts: [], attemptsCount: 0, rosterRevision: NEWEST };
    const { attempts, refused } = await explainRequest(source, nobody);
    expect(attempts).toEqual([]);
    expect(refused!.backends.map(({ id, role }) => `${id} ${role}`)).toContain('e out');
    expect(refused).toMatchObject({ reason: null, rosterRevision: NEWEST });
    const early = await explainRequest(source, { ...nobody, rosterRevision: null });
    expect(early).toMatchObject({ refused: null, missing: [{ input: 'roster-revision' }] });
  });
});

test('recorded decisions are found by the id of the request', async () => {
  const seen = [300, 100, 200].map((timeMs) => {
    const decision = { ...DECISION, timeMs, requestId: timeMs === 200 ? 'other' : 'r-1' };
    return { kind: 'decision', timeMs, worker: 1, decision } as const;
  });
  const observations = async function* () {
    yield* seen;
  };
  const found = await recordedDecisions({ observations, node: 'lb-1' }, 'r-1');
  expect(found.map(({ decision, node, worker }) => [decision.timeMs, node, worker])).toEqual([
    [100, 'lb-1', 1],
    [300, 'lb-1', 1],
  ]);
});
