/**
 * Heads of answers that break a rule and have one reading all the same: what RFC 9112 lets or makes a proxy mend before it passes
 * them on. A request with such a fault is refused, because whoever sends it may mean harm to whoever reads it next.
 *
 *     every line ends in LF alone              2.2     written with CRLF; a head that mixes both may have been split, and is refused
 *     `Content-Type : text/html`               5.1     without the space; a proxy must
 *     a value that goes on in the next line    5.2     in one line, with a space between
 *     Content-Length twice, or as a list       6.3     once, where all say the same, digit by digit
 *
 * What is mended is read strictly afterwards, as if it had come so, and its connection serves no further request. Costs the head's length, and only where something is wrong.
 */
import { headEnd, isBare } from './head-text.ts';
import type { HeadProblemReason } from './problem.ts';
import { elements } from './characters.ts';

/** What a strict reader says of a head that may be worth mending. */
export const MENDABLE: ReadonlySet<HeadProblemReason> = new Set<HeadProblemReason>([
  'bare_line_feed',
  'space_before_colon',
  'folded_line',
  'length_repeated',
  'length',
]);

const SPACE_BEFORE_COLON = /\n([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]+:/g;
/** With the line end before it, and without its own LF, so that lines that follow each other are found. */
const LENGTH_LINE = /\ncontent-length:([^\r\n]*)\r/gi;
const FOLD = /\r\n[ \t]+/g;

/** Index just past the empty line that ends the head of an answer, also one whose lines end in LF alone; -1 while there is none. */
export function answerHeadEnd(text: string, from: number): number {
  const end = headEnd(text, from);
  if (!isBare(text, from)) return end;
  const bareEnd = text.indexOf('\n\n', from) + 2;
  return bareEnd > 1 && (end === -1 || bareEnd < end) ? bareEnd : end;
}

/** The head, whole with its empty line, as it should have come; null where it cannot be mended. */
export function mendedHead(head: string): string | null {
  const isLineFeedAlone = isBare(head, 0);
  if (isLineFeedAlone && head.includes('\r')) return null;
  const lines = isLineFeedAlone ? head.replaceAll('\n', '\r\n') : head;
  // What is indented behind the status line continues no field.
  if (/^[^\n]*\n[ \t]/.test(lines)) return null;
  return withOneLength(lines.replaceAll(FOLD, ' ').replaceAll(SPACE_BEFORE_COLON, '\n$1:'));
}

function withOneLength(head: string): string | null {
  const lengths = [...head.matchAll(LENGTH_LINE)].flatMap(([, value]) => elements(value!));
  if (lengths.length < 2) return head;
  if (lengths.some((length) => length !== lengths[0])) return null;
  let count = 0;
  return head.replaceAll(LENGTH_LINE, () => (count++ === 0 ? `\nContent-Length: ${lengths[0]!}\r` : ''));
}
