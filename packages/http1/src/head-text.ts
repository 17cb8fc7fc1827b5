/**
 * A head as text: where it ends, and whether its characters and line ends are what they must be.
 *
 * That is checked once over the whole head, by one regular expression that V8 runs many bytes at a time; what reads lines and
 * fields after it may rely on it: every CR is followed by LF, and there are no control characters but tabs. That every LF follows
 * a CR is left to whoever looks for line ends, because it comes there for nothing.
 */
import { CLASS, CR, LF, SPACE, TOKEN } from './characters.ts';
import type { HeadLimits } from './head-limits.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';

/** RFC 9110, 9.1 names none; RFC 9112, 3: longer than any that is served is 501. */
export const MAX_METHOD_LENGTH = 32;

const HEAD_END = '\r\n\r\n';
/** Stops at the head's end or at the first thing wrong before it, so that a body behind the head is never looked at. */
// oxlint-disable-next-line no-control-regex -- Control characters are what it is for.
const END_OR_WRONG = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r\n\r\n|\r(?!\n)/g;
/** The same for a head that goes on: a CR at the very end may still get its LF. */
// oxlint-disable-next-line no-control-regex
const WRONG = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r[^\n]|(?<!\r)\n/g;

/** Index just past the empty line that ends the head that begins at `from`, or -1 while there is none. */
export function headEnd(text: string, from: number): number {
  const index = text.indexOf(HEAD_END, from);
  return index === -1 ? -1 : index + HEAD_END.length;
}

/** What is wrong with the characters of a complete head, save for an LF without CR. */
export function characterProblem(text: string, from: number, end: number): HeadProblem | null {
  END_OR_WRONG.lastIndex = from;
  if (END_OR_WRONG.test(text) && END_OR_WRONG.lastIndex === end) return null;
  return problemAt(text, END_OR_WRONG.lastIndex - 1);
}

/**
 * What is already wrong with an unfinished request head, or null. So that a wrong client is told at once, not after the head
 * timeout. Never refuses what `parseRequestHead` would accept once the rest has come.
 */
export function partialRequestProblem(text: string, from: number, limits: HeadLimits): HeadProblem | null {
  const wrong = partialProblem(text, from);
  if (wrong !== null) return wrong;
  const methodEnd = tokenEnd(text, from);
  if (methodEnd - from > MAX_METHOD_LENGTH) return HEAD_PROBLEMS.method_too_long;
  // A lone CR may be the first half of an empty line before the request, which is the caller's to skip.
  if (methodEnd === text.length || (methodEnd === from && text.length === from + 1 && text.charCodeAt(from) === CR)) {
    return null;
  }
  if (methodEnd === from || text.charCodeAt(methodEnd) !== SPACE) return HEAD_PROBLEMS.method;
  if (isTargetTooLong(text, methodEnd + 1, limits)) return HEAD_PROBLEMS.target_too_long;
  return text.length - from > limits.maxHeadBytes ? HEAD_PROBLEMS.head_too_large : null;
}

/** The same for an unfinished response head. */
export function partialResponseProblem(text: string, from: number, limits: HeadLimits): HeadProblem | null {
  const wrong = partialProblem(text, from);
  if (wrong !== null) return wrong;
  const begun = text.slice(from, from + STATUS_LINE_BEGINNING.length);
  if (!STATUS_LINE_BEGINNING.startsWith(begun)) return HEAD_PROBLEMS.status_line;
  return text.length - from > limits.maxHeadBytes ? HEAD_PROBLEMS.head_too_large : null;
}

const STATUS_LINE_BEGINNING = 'HTTP/1.';

function partialProblem(text: string, from: number): HeadProblem | null {
  WRONG.lastIndex = from;
  if (!WRONG.test(text)) return null;
  const last = WRONG.lastIndex - 1;
  return problemAt(text, text.charCodeAt(last - 1) === CR && last > from ? last - 1 : last);
}

function problemAt(text: string, index: number): HeadProblem {
  const code = text.charCodeAt(index);
  if (code === CR) return HEAD_PROBLEMS.bare_carriage_return;
  return code === LF ? HEAD_PROBLEMS.bare_line_feed : HEAD_PROBLEMS.control_character;
}

function tokenEnd(text: string, from: number): number {
  let index = from;
  while (index < text.length && (CLASS[text.charCodeAt(index)]! & TOKEN) !== 0) index++;
  return index;
}

function isTargetTooLong(text: string, from: number, limits: HeadLimits): boolean {
  if (text.length - from <= limits.maxTargetBytes) return false;
  const room = text.slice(from, from + limits.maxTargetBytes + 1);
  return !room.includes(' ') && !room.includes('\r');
}
