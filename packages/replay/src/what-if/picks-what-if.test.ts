/** Recorded picks, picked anew: unchanged they are what they were; another policy moves them, and what is not known is said. */
import { backendSet, emptyRoster, fold } from '@muster/membership';
import type { Observation } from '@muster/observations';
import { createSelectionPolicy, type DecidedAttempt, type Decision } from '@muster/selection';
import { expect, test } from 'vitest';
import type { RosterSource } from '../explain-request/explain-request.ts';
import type { ReplaySource } from '../log/replay-source.ts';
import { picksWhatIf, type PicksQuestion } from './picks-what-if.ts';

const IDS = ['a', 'b', 'c'];

const events: readonly (readonly [string, object])[] = [
  ['pool.p', { type: 'PoolDefined' }],
  ...IDS.map((id) => [`backend.p.${id}`, { type: 'BackendRegistered', target: `${id}:80` }] as const),
];
const roster = events.reduce((reached, [subject, event], index) => {
  const payload = JSON.stringify(event);
  const recorded = { revision: index + 1, timeMs: 0, id: `e-${index}`, origin: null, payload };
  return fold(reached, { ...recorded, subject: `muster.demo.${subject}` }).roster;
}, emptyRoster('demo'));
const replay: RosterSource = { rosterAt: async () => ({ roster, check: { outcome: 'unchecked', why: 'a test' } }) };
const set = backendSet({ roster, node: 'lb-1', pending: new Map() }, 'p', 0)!;

/** One request each 10 ms, in turn; those that come to `a` last long. */
function decisions(): Decision[] {
  const policy = createSelectionPolicy('round_robin', { startOffset: 0 });
  return Array.from({ length: 90 }, (_, index) => {
    const picked = policy.pick(set, { isExcluded: null, keyHash: 0, inFlightOf: () => 0, inFlightTotal: 0 })!;
    const attempt: DecidedAttempt = {
      backend: picked.id,
      target: picked.target,
      revision: set.revision,
      rosterRevision: set.rosterRevision,
      setMadeMs: 0,
      pendingFacts: [],
      policy: 'round_robin',
      isPanic: false,
      candidatesCount: 3,
      candidates: null,
      inputs: { ...policy.inputs, consulted: [] },
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
    return {
      requestId: `r-${index}`,
      timeMs: 1_000 + index * 10,
      durationMs: picked.id === 'a' ? 400 : 5,
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
      attempts: [attempt],
      refused: null,
    };
  });
}

function ask(policy: PicksQuestion['policy'], recorded: readonly Decision[] = decisions()) {
  const observations: Observation[] = recorded.map((decision) => ({
    kind: 'decision',
    timeMs: decision.timeMs,
    worker: 0,
    decision,
  }));
  const source = {
    name: 'the journal of node lb-1',
    cluster: 'demo',
    node: 'lb-1',
    async *observations() {
      yield* observations;
    },
  } as unknown as ReplaySource;
  return picksWhatIf({ source, replay }, { pool: 'p', policy, fromMs: 0, toMs: 10_000 });
}

test('the same policy gives the recorded picks', async () => {
  expect(await ask('round_robin')).toMatchObject({
    outcome: 'answered',
    picksCount: 90,
    movedCount: 0,
    backends: IDS.map((backend) => ({ backend, happenedCount: 30, otherwiseCount: 30 })),
    assumptions: [],
  });
});

test('another policy picks by what would have been under way: the share of each backend and what moved', async () => {
  const answer = await ask('least_requests');
  if (answer.outcome === 'refused') throw new Error(answer.message);
  expect(answer.movedCount).toBeGreaterThan(10);
  expect(answer.backends.reduce((sum, one) => sum + one.otherwiseCount, 0)).toBe(90);
  expect(answer.assumptions).toHaveLength(2);
  // The same question, the same answer.
  expect(await ask('least_requests')).toEqual(answer);
});

test('a recorded pick that is another when it is made again is refused, and named', async () => {
  const recorded = decisions();
  const [attempt] = recorded[5]!.attempts;
  recorded[5] = { ...recorded[5]!, attempts: [{ ...attempt!, backend: attempt!.backend === 'a' ? 'b' : 'a' }] };
  expect(await ask('random', recorded)).toMatchObject({
    outcome: 'refused',
    reason: 'not-identical',
    message: expect.stringContaining('r-5') as unknown,
  });
});

test('what was not recorded is not guessed', async () => {
  expect(await ask('random', [])).toMatchObject({ outcome: 'refused', reason: 'no-decisions' });
  expect(await ask('consistent_hash')).toMatchObject({ outcome: 'refused', reason: 'key-unknown' });
});
