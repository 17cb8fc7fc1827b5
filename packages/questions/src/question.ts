/**
 * What a question about the past is: defined once, in a file of its own, and asked from everywhere.
 *
 *     query(shapes)      what it takes      ──► the admin API's query and its description
 *     command            the same, typed    ──► `muster diff 100 now`
 *     answer(past, …)    plain JSON         ──► the same of a node and of an incident file
 *     shape(shapes)      what that holds    ──► the admin API's description
 *     lines(answer, …)   for people         ──► a terminal
 *
 * A file with a question loads neither zod nor the time machine. Whoever describes questions hands `shapes.ts` in, and what answers is
 * loaded with the first answer: a command that only shows lines, and a node that is never asked, pay for none of it.
 */
import type { z } from 'zod';
import type { Past } from './past.ts';
import type * as shapes from './shapes.ts';
import type { Line } from './text/table.ts';

/** All that descriptions are made of: zod, and the shapes that several questions share. */
export type Shapes = typeof shapes;

export interface Question<Query extends object, Answer extends object> {
  /** Where the admin API answers it. */
  readonly path: `/v1/${string}`;
  /** One line for people who read the API's description. */
  readonly summary: string;
  readonly command: CommandWords<Query>;
  /** The fields of the query that name moments, as `parseInstant` reads them. */
  readonly moments: readonly string[];
  /** What a URL asks. Which moments, pools and backends there are, only the log knows: no more is checked than that words are words. */
  query(shapes: Shapes): z.ZodType<Query>;
  /** What a body asks, where the query may be too long for a URL. */
  body?(shapes: Shapes): z.ZodType<Query>;
  /** Whether this query goes in a body. Default: none does. */
  isLong?(query: Query): boolean;
  /** What every answer holds, for the API's description. */
  shape(shapes: Shapes): z.ZodType<Answer>;
  /** Throws `ReplayError`, whose codes and sentences pass on to whoever asked. */
  answer(past: Past, query: Query): Promise<Answer>;
  lines(answer: Answer, query: Query): Line[];
}

/** A question as a command: what there is to type. */
export interface CommandWords<Query> {
  /** `diff`, or with the command above it `explain backend`. */
  readonly name: string;
  readonly description: string;
  readonly args?: readonly ArgumentWords[];
  readonly options: readonly OptionWords[];
  /** What the help says below the options. */
  readonly help?: string;
  /** The query that was typed; or why it makes none, a sentence for a person. */
  query(typed: Typed): Query | string;
}

/** How the text of an argument or option is read: whole, as it is, where nothing is said. */
export type WordKind =
  /** A moment such as `-5m`. */
  | 'moment'
  | 'count'
  /** `500ms`, `2s`; read as milliseconds. */
  | 'duration'
  /** `-` stands for what is on the standard input. */
  | 'text-or-input';

export interface ArgumentWords {
  /** `<from>`, or `[to]` where it may be left out. Its value is typed under its bare name; of `<pool/id>` that is `pool/id`. */
  readonly words: string;
  readonly description: string;
  readonly kind?: WordKind;
  readonly default?: string;
}

export interface OptionWords {
  /** `--pool <id>`. */
  readonly words: string;
  readonly description: string;
  readonly kind?: WordKind;
  readonly default?: string;
  readonly isRequired?: boolean;
}

/** What was typed, by the names of arguments and options. */
export type Typed = Readonly<Record<string, string | number | boolean | undefined>>;

const MOMENTS_HELP = `
A moment is a revision (1234), a time (2026-03-01T12:30:00Z, or 12:30 of today),
-5m, -90s, -2h, -1d, now, or the id of an event. In a file, now is its end.
Times without a zone are this machine's, and so are those that are shown.`;

/** The help of a command that takes moments, below a help of its own. */
export function momentsHelp(own = ''): string {
  return own + MOMENTS_HELP;
}

export const FILE_OPTION: OptionWords = {
  words: '--file <incident>',
  description: 'ask an incident file, with neither node nor cluster',
};

export const NODE_OPTION: OptionWords = {
  words: '--node <id>',
  description: 'whose eyes it is seen with (default: the node that is asked)',
};
