/**
 * Asks all workers of the node about decisions, and puts what they find together.
 *
 * A worker that is busy or hangs must not keep somebody waiting who wants to know why: who has not answered after a second is
 * named as silent. Questions are few, asked by people; `QUESTIONS_MAX` of them may be open at a time.
 */
import type { DecisionQuery } from '@muster/proxy';
import type { DecisionsOutcome, FoundDecision } from '../decisions.ts';
import type { DecisionAnswer, DecisionQuestion } from './decision-question.ts';

const ANSWER_TIMEOUT_MS = 1_000;
const QUESTIONS_MAX = 16;

/** A worker that can be asked. */
export interface AskedWorker {
  readonly index: number;
  tell(question: DecisionQuestion): void;
}

interface OpenQuestion {
  readonly waitingFor: Set<AskedWorker>;
  readonly found: FoundDecision[];
  readonly end: () => void;
}

export class DecisionQuestions {
  readonly #openById = new Map<number, OpenQuestion>();
  #lastId = 0;

  async ask(workers: Iterable<AskedWorker>, query: DecisionQuery): Promise<DecisionsOutcome> {
    if (this.#openById.size >= QUESTIONS_MAX) return { outcome: 'busy' };
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<void>();
    const question: OpenQuestion = { waitingFor: new Set(workers), found: [], end: resolve };
    this.#openById.set(id, question);
    for (const worker of question.waitingFor) worker.tell({ kind: 'find-decisions', id, query });
    const timer = setTimeout(resolve, ANSWER_TIMEOUT_MS);
    this.#endIfAnswered(question);
    await promise;
    clearTimeout(timer);
    this.#openById.delete(id);
    const decisions = question.found.toSorted((a, b) => b.timeMs - a.timeMs).slice(0, query.limit);
    const silentWorkers = [...question.waitingFor].map(({ index }) => index).toSorted((a, b) => a - b);
    return { outcome: 'found', decisions, silentWorkers };
  }

  /** An answer that comes too late is for nobody. */
  answered(worker: AskedWorker, { id, decisions }: DecisionAnswer): void {
    const question = this.#openById.get(id);
    if (question?.waitingFor.delete(worker) !== true) return;
    question.found.push(...decisions.map((decision) => ({ ...decision, worker: worker.index })));
    this.#endIfAnswered(question);
  }

  /** Its process has ended, and with it what it knew. */
  gone(worker: AskedWorker): void {
    for (const question of this.#openById.values()) {
      if (question.waitingFor.delete(worker)) this.#endIfAnswered(question);
    }
  }

  #endIfAnswered({ waitingFor, end }: OpenQuestion): void {
    if (waitingFor.size === 0) end();
  }
}
