/** What a client is told of what a backend says, against `node:http`'s client: the same answer, a 502, or a visible cut. */
import { expect, test } from 'vitest';
import { compareAnswers } from './answer-comparison.ts';
import { answerStreamArbitrary } from './answer-grammar.ts';
import { fuzz, fuzzPlan } from './fuzz-run.ts';
import { MemoryProxy } from './memory-proxy.ts';
import { Tally } from './tally.ts';

test('an answer is passed on as the oracle reads it, or visibly not', { timeout: 3_600_000 }, async () => {
  const plan = fuzzPlan(30_000, 200_001);
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
