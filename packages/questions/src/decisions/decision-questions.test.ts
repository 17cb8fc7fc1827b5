/** All workers are asked, and none is waited for longer than a second. */
import type { DecisionQuery } from '@muster/proxy';
import type { Decision } from '@muster/selection';
import { expect, test, vi } from 'vitest';
import type { DecisionQuestion } from './decision-question.ts';
import { DecisionQuestions, type AskedWorker } from './decision-questions.ts';

const QUERY: DecisionQuery = { requestId: null, limit: 3, withCandidates: false };

class SimulatedWorker implements AskedWorker {
  readonly index: number;
  readonly asked: DecisionQuestion[] = [];

  constructor(index: number) {
    this.index = index;
  }

  tell(question: DecisionQuestion): void {
    this.asked.push(question);
  }
}

function found(timesMs: readonly number[], id = 1) {
  const decisions = timesMs.map((timeMs) => ({ requestId: `r-${timeMs}`, timeMs }) as Decision);
  return { kind: 'decisions-found', id, decisions } as const;
}

test('what the workers find is put together, the newest first', async () => {
  const questions = new DecisionQuestions();
  const [a, b] = [new SimulatedWorker(0), new SimulatedWorker(1)];
  const outcome = questions.ask([a, b], QUERY);
  expect(a.asked).toEqual([{ kind: 'find-decisions', id: 1, query: QUERY }]);
  questions.answered(a, found([9, 5]));
  // Nobody answers twice, nor what was not asked.
  questions.answered(a, found([100]));
  questions.answered(b, found([100], 2));
  questions.answered(b, found([7, 3]));
  expect(await outcome).toEqual({
    outcome: 'found',
    decisions: [
      { requestId: 'r-9', timeMs: 9, worker: 0 },
      { requestId: 'r-7', timeMs: 7, worker: 1 },
      { requestId: 'r-5', timeMs: 5, worker: 0 },
    ],
    silentWorkers: [],
  });
});

test('who gives no answer in a second is named; who has ended is not waited for', async () => {
  vi.useFakeTimers();
  const questions = new DecisionQuestions();
  const [a, b, c] = [new SimulatedWorker(0), new SimulatedWorker(1), new SimulatedWorker(2)];
  const outcome = questions.ask([c, b, a], QUERY);
  questions.answered(b, found([1]));
  vi.advanceTimersByTime(999);
  questions.gone(c);
  vi.advanceTimersByTime(1);
  expect(await outcome).toMatchObject({ decisions: [{ worker: 1 }], silentWorkers: [0] });
  questions.answered(a, found([1]));
  const rest = questions.ask([a], QUERY);
  questions.gone(a);
  expect(await rest).toEqual({ outcome: 'found', decisions: [], silentWorkers: [] });
  vi.useRealTimers();
});

test('a node without workers answers at once; the seventeenth question at a time is refused', async () => {
  const questions = new DecisionQuestions();
  expect(await questions.ask([], QUERY)).toEqual({ outcome: 'found', decisions: [], silentWorkers: [] });
  const worker = new SimulatedWorker(0);
  const open = Array.from({ length: 16 }, () => questions.ask([worker], QUERY));
  expect(await questions.ask([worker], QUERY)).toEqual({ outcome: 'busy' });
  questions.gone(worker);
  await Promise.all(open);
  const next = questions.ask([worker], QUERY);
  questions.gone(worker);
  expect((await next).outcome).toBe('found');
});
