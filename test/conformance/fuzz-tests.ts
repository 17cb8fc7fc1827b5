/**
 * The fuzzers as tests: the usual run asks a part of the cases that the long run asks, from other seeds.
 *
 * `casesUsual` and `seedUsual` hold where the environment asks for nothing else; see `fuzz-run.ts`.
 */
import { expect, test } from 'vitest';
import { compareAnswers } from './answer-comparison.ts';
import { answerStreamArbitrary } from './answer-grammar.ts';
import { fuzz, fuzzPlan } from './fuzz-run.ts';
import { MemoryProxy } from './memory-proxy.ts';
import { fuzzRequests } from './request-fuzzer.ts';
import { Tally } from './tally.ts';

const TIMEOUT_MS = 3_600_000;

/** Client connections whose bytes come in one read, or with `isCut` in several: see `request-fuzzer.ts`. */
export function testRequests(casesUsual: number, seedUsual: number, isCut: boolean): void {
  const reads = isCut ? 'several reads' : 'one read';
  test(
    `in ${reads}, what is forwarded is what the oracle reads, and nothing else`,
    { timeout: TIMEOUT_MS },
    async () => {
      const plan = fuzzPlan(casesUsual, seedUsual);
      const tally = await fuzzRequests(plan, isCut);
      tally.print(`requests in ${reads}, seed ${plan.seed}`);
      // A generator that went wrong would make cases that both refuse, or none that either does.
      expect(tally.of('refused')).toBeGreaterThan(plan.casesCount / 4);
      expect(tally.of('not refused')).toBeGreaterThan(plan.casesCount / 5);
      expect(tally.of('2 read alike')).toBeGreaterThan(plan.casesCount / 100);
    },
  );
}

/** What a client is told of what a backend says, against `node:http`'s client: the same answer, a 502, or a visible cut. */
export function testAnswers(casesUsual: number, seedUsual: number): void {
  test('an answer is passed on as the oracle reads it, or visibly not', { timeout: TIMEOUT_MS }, async () => {
    const plan = fuzzPlan(casesUsual, seedUsual);
    await using proxy = await MemoryProxy.open();
    const tally = new Tally();
    await fuzz(plan, answerStreamArbitrary, async ({ method, text }) => {
      const request = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
      const passage = proxy.answer(request, [Buffer.from(text, 'latin1')]);
      tally.count(await compareAnswers(method, text, passage));
    });
    tally.print(`answers, seed ${plan.seed}`);
    expect(tally.of('same')).toBeGreaterThan(plan.casesCount / 4);
    expect(tally.of('refused by both')).toBeGreaterThan(plan.casesCount / 20);
  });
}
