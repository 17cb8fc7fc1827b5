/**
 * What if a pool had another selection policy: the recorded decisions of one node, picked anew.
 *
 * First each recorded pick is made again from the set that its worker had, and must be what it was. Under the same policy that is the
 * answer; under another one each worker's requests are picked anew in the order in which they came (`ImaginedWorker`).
 */
import type { PoolSpec } from '@muster/membership';
import type { DecidedAttempt, Decision } from '@muster/selection';
import { explainRequest, type RosterSource } from '../explain-request.ts';
import { remadeSet } from '../remade-set.ts';
import type { ReplaySource } from '../replay-source.ts';
import { ImaginedWorker, type ImaginedRequest } from './imagined-worker.ts';

/** Decisions that one answer is made from: the first so many. Each takes about as long as its pool is large. */
const DECISIONS_MAX = 10_000;

export interface PicksQuestion {
  readonly pool: string;
  readonly policy: PoolSpec['policy'];
  /** Inclusive, ms since 1970, of when a request began. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

export interface BackendPicks {
  readonly backend: string;
  readonly happenedCount: number;
  readonly otherwiseCount: number;
}

export interface PicksAnswer {
  readonly outcome: 'answered';
  readonly pool: string;
  readonly node: string;
  readonly policy: PoolSpec['policy'];
  readonly decisionsCount: number;
  /** Attempts that could be picked anew: what the shares are shares of. */
  readonly picksCount: number;
  /** How many picks would have gone to another backend, or to nobody. */
  readonly movedCount: number;
  readonly nobodyCount: number;
  /** By id. */
  readonly backends: readonly BackendPicks[];
  /** What the answer rests on besides what was seen, a sentence each. */
  readonly assumptions: readonly string[];
}

export interface PicksRefusal {
  readonly outcome: 'refused';
  readonly reason:
    /** None were kept of this pool and time. */
    | 'no-decisions'
    /** A recorded pick, made again, is another one. */
    | 'not-identical'
    /** `consistent_hash`, where the recorded policy did not look at what it hashes. */
    | 'key-unknown';
  readonly message: string;
}

interface Recorded {
  readonly decision: Decision;
  readonly worker: number;
}

/** Rejects where the log does not fold to what nodes recorded. */
export async function picksWhatIf(
  { source, replay }: { readonly source: ReplaySource; readonly replay: RosterSource },
  question: PicksQuestion,
): Promise<PicksAnswer | PicksRefusal> {
  const { pool, policy, fromMs, toMs } = question;
  const { recorded, isCut } = await decisionsOf(source, question);
  if (recorded.length === 0) {
    const message = `${source.name} has no decisions about pool ${pool} between ${time(fromMs)} and ${time(toMs)}: record them first with muster decisions --record`;
    return { outcome: 'refused', reason: 'no-decisions', message };
  }
  const requests: (ImaginedRequest & { readonly worker: number })[] = [];
  let unmadeCount = 0;
  for (const { decision, worker } of recorded) {
    const explained = await explainRequest(replay, { decision, node: source.node, worker });
    const wrong = explained.attempts.find(({ pick }) => pick.outcome === 'differs');
    if (wrong?.pick.outcome === 'differs') {
      const message = `the pick of attempt ${wrong.number} of request ${decision.requestId} (${time(decision.timeMs)}) was ${wrong.backend}, and made again it is not: ${wrong.pick.why}`;
      return { outcome: 'refused', reason: 'not-identical', message };
    }
    const tried = new Set<string>();
    for (const [index, record] of decision.attempts.entries()) {
      const { roster } = await replay.rosterAt(record.rosterRevision);
      const set = remadeSet({ roster, node: source.node, pool }, record);
      if (set === null || explained.attempts[index]?.pick.outcome !== 'equal') unmadeCount += 1;
      else requests.push({ ...spanOf(decision, index), record, set, tried, worker });
    }
  }
  if (policy === 'consistent_hash' && requests.some(({ record }) => record.policy !== policy)) {
    const message = `what consistent_hash would have hashed was not recorded, since the pool's policy did not look at it`;
    return { outcome: 'refused', reason: 'key-unknown', message };
  }
  return answer(requests, {
    head: { outcome: 'answered', pool, node: source.node, policy, decisionsCount: recorded.length },
    assumptions: [
      ...(isCut ? [`only the first ${DECISIONS_MAX} decisions were looked at`] : []),
      ...(unmadeCount > 0 ? [`${unmadeCount} picks could not be made again and are left out`] : []),
    ],
  });
}

async function decisionsOf(
  source: ReplaySource,
  { pool, fromMs, toMs }: PicksQuestion,
): Promise<{ readonly recorded: readonly Recorded[]; readonly isCut: boolean }> {
  const recorded: Recorded[] = [];
  for await (const seen of source.observations({ pool, fromMs, toMs, kinds: ['decision'] })) {
    if (seen.kind !== 'decision' || seen.decision.attempts.length === 0) continue;
    if (recorded.length === DECISIONS_MAX) return { recorded, isCut: true };
    recorded.push(seen);
  }
  return { recorded, isCut: false };
}

function spanOf({ timeMs, durationMs, attempts }: Decision, index: number): { fromMs: number; toMs: number } {
  const endMs = attempts[index + 1]?.startedAtMs ?? durationMs;
  return { fromMs: timeMs + attempts[index]!.startedAtMs, toMs: timeMs + endMs };
}

function answer(
  requests: readonly (ImaginedRequest & { readonly worker: number })[],
  {
    head,
    assumptions,
  }: {
    readonly head: Pick<PicksAnswer, 'outcome' | 'pool' | 'node' | 'policy' | 'decisionsCount'>;
    readonly assumptions: readonly string[];
  },
): PicksAnswer {
  const workers = new Map<number, ImaginedWorker>();
  const happened = new Map<string, number>();
  const otherwise = new Map<string, number>();
  let movedCount = 0;
  let nobodyCount = 0;
  for (const request of requests.toSorted((one, other) => one.fromMs - other.fromMs)) {
    const { record, worker } = request;
    const picked = record.policy === head.policy ? record.backend : pickBy(workers, worker, { request, head });
    count(happened, record.backend);
    if (picked === null) nobodyCount += 1;
    else count(otherwise, picked);
    if (picked !== record.backend) movedCount += 1;
  }
  const isImagined = workers.size > 0;
  return {
    ...head,
    picksCount: requests.length,
    movedCount,
    nobodyCount,
    backends: [...new Set([...happened.keys(), ...otherwise.keys()])].toSorted().map((backend) => ({
      backend,
      happenedCount: happened.get(backend) ?? 0,
      otherwiseCount: otherwise.get(backend) ?? 0,
    })),
    assumptions: isImagined ? [...assumptions, LASTS_AS_LONG, NOTHING_BEFORE] : assumptions,
  };
}

const LASTS_AS_LONG = 'each request is taken to last as long with another backend as it did with its own';
const NOTHING_BEFORE = 'requests that began before are not counted as under way';

function pickBy(
  workers: Map<number, ImaginedWorker>,
  worker: number,
  { request, head }: { readonly request: ImaginedRequest; readonly head: Pick<PicksAnswer, 'policy'> },
): string | null {
  let imagined = workers.get(worker);
  if (imagined === undefined) workers.set(worker, (imagined = new ImaginedWorker(head.policy, worker)));
  return imagined.pick(request);
}

function count(counts: Map<string, number>, key: DecidedAttempt['backend']): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function time(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
