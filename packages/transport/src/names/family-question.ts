/**
 * One family of addresses of one name, asked for until somebody says something.
 *
 *     first question ──────────────── silent ──────────────► its failure counts only where the second one fails, too
 *     second question     1 s ──► answered: that is the answer
 *
 * A datagram that is lost would cost the whole time that a server may take, since c-ares asks again only after that. So the question
 * is asked once more after a second, of the next server where there is one.
 */
import type { RecordWithTtl, Resolver } from 'node:dns';
import type { DialClock } from './resolver-settings.ts';

/** When a second question is sent. A server that has to ask others first is usually done by then. */
export const SECOND_QUESTION_MS = 1_000;

/** What was said about one family of one name. */
export type FamilyAnswer = { readonly addresses: readonly RecordWithTtl[] } | { readonly code: string };

/** A server has said that there is nothing. c-ares refuses by itself what is no name at all. */
export const NONE_CODES: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);
/** A server has said something, which is nothing about the name. */
export const SPOKEN_FAILURES: ReadonlySet<string> = new Set([
  'ESERVFAIL',
  'EREFUSED',
  'ENOTIMP',
  'EFORMERR',
  'EBADRESP',
]);

export interface FamilyQuestionParts {
  /** At least one. The first asks all servers, each further one those that are behind. */
  readonly resolvers: readonly Resolver[];
  readonly clock: DialClock;
  /** Called once, never within the call that asks. */
  readonly onAnswer: (answer: FamilyAnswer) => void;
}

/** Asks for the addresses of one family. */
export function askFamily(name: string, family: 4 | 6, parts: FamilyQuestionParts): void {
  new FamilyQuestion(name, family, parts).ask();
}

class FamilyQuestion {
  readonly #name: string;
  readonly #family: 4 | 6;
  readonly #parts: FamilyQuestionParts;
  #openCount = 0;
  #isOver = false;
  #stopSecond: () => void = () => undefined;

  constructor(name: string, family: 4 | 6, parts: FamilyQuestionParts) {
    this.#name = name;
    this.#family = family;
    this.#parts = parts;
  }

  ask(): void {
    const { clock, resolvers } = this.#parts;
    this.#stopSecond = clock.after(SECOND_QUESTION_MS, () => this.#send(Math.min(1, resolvers.length - 1)));
    this.#send(0);
  }

  #send(serverIndex: number): void {
    this.#openCount++;
    const heard = (error: NodeJS.ErrnoException | null, addresses: readonly RecordWithTtl[]): void => {
      this.#openCount--;
      if (error === null) this.#answered({ addresses });
      else this.#failed(codeOf(error), serverIndex);
    };
    const resolver = this.#parts.resolvers[serverIndex]!;
    if (this.#family === 4) resolver.resolve4(this.#name, { ttl: true }, heard);
    else resolver.resolve6(this.#name, { ttl: true }, heard);
  }

  /** c-ares goes on with the next server where one is silent, but not where one fails. */
  #failed(code: string, serverIndex: number): void {
    if (this.#isOver) return;
    if (SPOKEN_FAILURES.has(code) && serverIndex + 1 < this.#parts.resolvers.length) return this.#send(serverIndex + 1);
    if (NONE_CODES.has(code) || this.#openCount === 0) this.#answered({ code });
  }

  #answered(answer: FamilyAnswer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopSecond();
    this.#parts.onAnswer(answer);
  }
}

/** Silence, and whatever else kept a server from saying something (ECONNREFUSED of its own port, for example), have codes of ours. */
function codeOf({ code = '' }: NodeJS.ErrnoException): string {
  if (code === 'ETIMEOUT') return 'NAME_TIMEOUT';
  return NONE_CODES.has(code) || SPOKEN_FAILURES.has(code) ? code : 'NAME_SERVER_AWAY';
}
