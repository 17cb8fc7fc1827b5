/**
 * What a probe calls healthy, traffic can use: whatever a backend answers, and in whatever pieces, a probe that passes means that the
 * proxy hands that answer to a client, with its status; and an answer that reached a client whole is one that a probe passes on.
 */
import { probeHttp } from '@muster/probes';
import { ANY_TARGET, Dialler, systemResolver } from '@muster/transport';
import { expect, test } from 'vitest';
import { answerStreamArbitrary } from './answer-grammar.ts';
import { fuzz, fuzzPlan } from './fuzz-run.ts';
import { HOSTILE_ANSWERS } from './hostile-answers.ts';
import { MemoryProxy } from './memory-proxy.ts';
import { MemoryTransport } from './memory-transport.ts';
import { readAsNodeClient } from './node-client-reading.ts';
import { Tally } from './tally.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
/** Longer than the test: no probe of it ends by time. */
const TIMEOUT_MS = 3_600_000;

const transport = new MemoryTransport();
const clock = { nowMs: () => 0, after: () => () => undefined };
const dialler = new Dialler({ transport, resolver: systemResolver(), guard: ANY_TARGET, clock });

async function probed(pieces: readonly Uint8Array[]) {
  transport.dialled.length = 0;
  const target = { kind: 'tcp', host: '198.51.100.1', port: 80 } as const;
  const expectedStatuses = [{ from: 100, to: 599 }];
  const probe = probeHttp({ dialler, target, path: '/', expectedStatuses, timeoutMs: TIMEOUT_MS });
  transport.settle();
  const leg = transport.dialled[0]!;
  for (const piece of pieces) leg.deliver(piece);
  leg.deliverEnd();
  const outcome = await probe.outcome;
  expect(leg.isClosed).toBe(true);
  return outcome;
}

function piecesOf(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

/** What became of it, in a word; throws where probe and traffic differ. */
async function compare(proxy: MemoryProxy, text: string): Promise<string> {
  const size = 1 + (text.length % 7);
  const outcomes = [await probed(piecesOf(text, 1 << 16)), await probed(piecesOf(text, size))];
  const passages = [proxy.answer(REQUEST, piecesOf(text, 1 << 16)), proxy.answer(REQUEST, piecesOf(text, size))];
  const hasPassed = outcomes[0]!.passed;
  if (outcomes[1]!.passed !== hasPassed) throw new Error('a probe depends on the pieces in which an answer comes');
  let isWhole = true;
  for (const { answered, isOver } of passages) {
    const told = await readAsNodeClient('GET', answered, isOver);
    const isOurs = told.fields.includes('Muster-Reason');
    if (hasPassed && (isOurs || told.status === 0)) throw new Error(`a probe passes where a client gets ${answered}`);
    isWhole &&= !isOurs && told.isComplete && told.status > 0;
  }
  if (isWhole && !hasPassed)
    throw new Error(`a probe fails where a client gets it all: ${JSON.stringify(outcomes[0])}`);
  return hasPassed ? 'passed' : 'failed';
}

test.each(HOSTILE_ANSWERS.filter(({ method }) => method === 'GET'))('$name', async ({ text }) => {
  await using proxy = await MemoryProxy.open();
  await expect(compare(proxy, text)).resolves.toMatch(/passed|failed/);
});

test('generated answers', { timeout: 3_600_000 }, async () => {
  const plan = fuzzPlan(8_000, 4_711);
  await using proxy = await MemoryProxy.open();
  const tally = new Tally();
  await fuzz(plan, answerStreamArbitrary, async ({ text }) => tally.count(await compare(proxy, text)));
  tally.print(`probed answers, seed ${plan.seed}`);
  expect(tally.of('passed')).toBeGreaterThan(plan.casesCount / 4);
  expect(tally.of('failed')).toBeGreaterThan(plan.casesCount / 20);
});
