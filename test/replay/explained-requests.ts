/**
 * The test that every pick of a worker under churn, made again from the journal and from what was recorded, comes out the same. How
 * many requests there are is the caller's.
 */
import { createReplay, explainRequest } from '@muster/replay';
import type { ExplainedPick, ReplaySource, RequestExplanation } from '@muster/replay';
import type { Decision } from '@muster/selection';
import { expect, test } from 'vitest';
import { ChurnScene, NODE } from './churn-scene.ts';

/** As a node's journal is read, with no hash recorded beside it. */
function sourceOf({ journal, cluster }: ChurnScene): ReplaySource {
  return {
    name: 'the journal of the scene',
    cluster,
    node: NODE,
    head: () => journal.head(),
    read: (options) => journal.read(options),
    loadSnapshot: (...options) => journal.loadSnapshot(...options),
    async *observations() {
      // Nobody recorded any.
    },
    observedSinceMs: () => Promise.resolve(null),
  };
}

function failures(explanations: readonly RequestExplanation[]): object[] {
  const isWrong = ({ set, pick, missing }: ExplainedPick) =>
    set.outcome !== 'equal' || pick.outcome !== 'equal' || missing.length > 0;
  const picks = explanations.flatMap(({ request, attempts, refused }) =>
    [...attempts, ...(refused === null ? [] : [refused])].map((pick) => ({ requestId: request.requestId, pick })),
  );
  return picks
    .filter(({ pick }) => isWrong(pick))
    .map(({ requestId, pick: { set, pick, missing, record } }) => {
      return { requestId, set, pick, missing, policy: record?.policy };
    });
}

/** How often what makes picks hard to make again came up. */
function coverage(decisions: readonly Decision[]) {
  const attempts = decisions.flatMap((decision) => decision.attempts);
  const refusals = decisions.flatMap(({ refused }) => (refused === null ? [] : [refused]));
  const count = (isCounted: (attempt: Decision['attempts'][number]) => boolean) => attempts.filter(isCounted).length;
  return {
    policies: new Set(attempts.map(({ policy }) => policy)).size,
    retries: count(({ triedIds }) => triedIds.length > 0),
    stale: count(({ outcome }) => outcome === 'stale'),
    pending: count(({ pendingFacts }) => pendingFacts.length > 0),
    panic: count(({ isPanic }) => isPanic),
    strict: count(({ isStrict }) => isStrict),
    full: count(({ fullIds }) => fullIds.length > 0),
    filtered: count(({ onlyIds }) => onlyIds !== null),
    unlisted: count(({ candidates }) => candidates === null),
    weighted: count(({ inputs }) => inputs.weights !== null),
    busy: count(({ inputs }) => inputs.consulted.some(({ inFlight }) => inFlight > 0)),
    refusals: refusals.length,
  };
}

/** One request in so many, at the least, has each of the things that make a pick hard to make again. */
const RARE = 333;

export function testExplainedRequests(requestsCount: number): void {
  test(`of ${requestsCount} requests under churn every pick comes out as it was recorded`, async () => {
    await using scene = await ChurnScene.open(1);
    const decisions = await scene.run(requestsCount);
    expect(decisions).toHaveLength(requestsCount);
    const replay = createReplay(sourceOf(scene));
    const explanations: RequestExplanation[] = [];
    for (const decision of JSON.parse(JSON.stringify(decisions)) as Decision[]) {
      explanations.push(await explainRequest(replay, { decision, node: NODE, worker: 0 }));
    }
    expect(failures(explanations)).toEqual([]);
    const { policies, ...counts } = coverage(decisions);
    expect(policies).toBe(4);
    const rare = Object.entries(counts).filter(([, count]) => count < requestsCount / RARE);
    expect(rare).toEqual([]);
  });
}
