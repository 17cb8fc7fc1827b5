/**
 * What the data plane makes of many client connections, against `node:http`.
 *
 * Each is read by the oracle, and passed through the real data plane; what reaches the backend is read by the oracle again. Both
 * readings must be the same requests, except for the differences that `request-differences.ts` lists with their reasons.
 */
import { fuzz, type FuzzPlan } from './fuzz-run.ts';
import { MemoryProxy } from './memory-proxy.ts';
import { compareRequests } from './request-comparison.ts';
import { piecesOf, requestStreamArbitrary } from './request-grammar.ts';
import { Tally } from './tally.ts';

/** `isCut`: the bytes come in several reads, each its own event. Returns what occurred how often. */
export async function fuzzRequests(plan: FuzzPlan, isCut: boolean): Promise<Tally> {
  await using proxy = await MemoryProxy.open();
  const tally = new Tally();
  await fuzz(plan, requestStreamArbitrary, (stream) => {
    const pieces = piecesOf(isCut ? stream : { ...stream, cuts: [] });
    const passage = proxy.pass(pieces);
    const { sameCount, difference, causes } = compareRequests(stream.text, passage);
    const isRefused = passage.refusal !== null;
    const hasPart = passage.forwarded.length > sameCount;
    if (isRefused && hasPart && pieces.length === 1) throw new Error('a part of a refused request was forwarded');
    tally.count(isRefused ? 'refused' : 'not refused');
    if (sameCount > 0) tally.count(`${sameCount} read alike`);
    if (difference !== null)
      tally.count(difference.kind === 'refused_here' ? difference.refusal.reason : difference.kind);
    for (const cause of causes) tally.count(cause);
  });
  return tally;
}
