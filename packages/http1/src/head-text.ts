/**
 * A head as text: where it ends, and what is wrong with its characters and line ends.
 *
 * Control characters are looked for in the whole head at once. Each expression below is small enough for V8 to compile it to a
 * search of sixteen bytes at a time, which one class of all of them, or a loop, is not: 0.2 µs for a browser's head, against 1.8
 * and 2.0. Line ends are checked by whoever reads the lines, because they have to be found there anyway.
 */
import { CLASS, CR, SPACE, TOKEN } from './characters.ts';
import type { HeadLimits, RequestRules } from './head-rules.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';

/** The RFCs name none; RFC 9112, 3: a method longer than any that is served is 501. */
export const MAX_METHOD_LENGTH = 32;

const HEAD_END = '\r\n\r\n';
const STATUS_LINE_BEGINNING = 'HTTP/1.';
/* oxlint-disable no-control-regex -- Control characters are what they are for. */
const LOW_CONTROL = /[\x00-\x08\x0b\x0c\x0e\x0f]/g;
const HIGH_CONTROL = /[\x10-\x1f]/g;
/* oxlint-enable no-control-regex */
const DELETE = '\x7f';

/** Index just past the empty line that ends the head that begins at `from`, or -1 while there is none. */
export function headEnd(text: string, from: number): number {
  const index = text.indexOf(HEAD_END, from);
  return index === -1 ? -1 : index + HEAD_END.length;
}

/** Whether there is a control character other than tab, CR and LF. */
export function hasControl(text: string, from: number, end: number): boolean {
  // What follows the head, a body perhaps, is not looked at.
  const searched = end < text.length ? text.slice(0, end) : text;
  LOW_CONTROL.lastIndex = from;
  HIGH_CONTROL.lastIndex = from;
  return LOW_CONTROL.test(searched) || HIGH_CONTROL.test(searched) || searched.indexOf(DELETE, from) !== -1;
}

/**
 * What is already wrong with an unfinished request head, or null. So that a wrong client is told at once, not after the head
 * timeout. Never refuses what `parseRequestHead` would accept once the rest has come. Lines before `checkedTo`, where one begins, were
 * looked at before: so a head that comes byte by byte costs its length, and not the square of it.
 */
// oxlint-disable-next-line max-params -- An object around the indices would be made for every piece of a head.
export function partialRequestProblem(
  text: string,
  from: number,
  rules: RequestRules,
  checkedTo = from,
): HeadProblem | null {
  const wrong = characterProblem(text, checkedTo);
  if (wrong !== null) return wrong;
  const methodEnd = tokenEnd(text, from);
  if (methodEnd - from > MAX_METHOD_LENGTH) return HEAD_PROBLEMS.method_too_long;
  if (methodEnd === text.length || isEmptyLineBegun(text, from)) return null;
  if (methodEnd === from || text.charCodeAt(methodEnd) !== SPACE) return HEAD_PROBLEMS.method;
  if (isTargetTooLong(text, methodEnd + 1, rules)) return HEAD_PROBLEMS.target_too_long;
  return text.length - from > rules.maxHeadBytes ? HEAD_PROBLEMS.head_too_large : null;
}

/** The same for an unfinished response head. */
// oxlint-disable-next-line max-params -- As above.
export function partialResponseProblem(
  text: string,
  from: number,
  limits: HeadLimits,
  checkedTo = from,
): HeadProblem | null {
  const wrong = isBare(text, from) ? bareProblem(text, checkedTo) : characterProblem(text, checkedTo);
  if (wrong !== null) return wrong;
  const begun = text.slice(from, from + STATUS_LINE_BEGINNING.length);
  if (!STATUS_LINE_BEGINNING.startsWith(begun)) return HEAD_PROBLEMS.status_line;
  return text.length - from > limits.maxHeadBytes ? HEAD_PROBLEMS.head_too_large : null;
}

/** Of an answer whose lines end in LF alone, which is mended where all do. */
function bareProblem(text: string, from: number): HeadProblem | null {
  if (hasControl(text, from, text.length)) return HEAD_PROBLEMS.control_character;
  return text.includes('\r', from) ? HEAD_PROBLEMS.bare_line_feed : null;
}

/** Where the last line of an unfinished head begins: all before it has been looked at. */
export function lastLineFrom(text: string): number {
  return text.lastIndexOf('\n') + 1;
}

/** Whether the first line that begins at `from` ends in LF alone; false while it has not ended. */
export function isBare(text: string, from: number): boolean {
  const lineFeed = text.indexOf('\n', from);
  return lineFeed !== -1 && (lineFeed === from || text.charCodeAt(lineFeed - 1) !== CR);
}

function characterProblem(text: string, from: number): HeadProblem | null {
  if (hasControl(text, from, text.length)) return HEAD_PROBLEMS.control_character;
  for (let at = from; at < text.length;) {
    const lineFeed = text.indexOf('\n', at);
    const carriageReturn = text.indexOf('\r', at);
    // The last CR may still get its LF.
    if (lineFeed === -1) {
      const isWhole = carriageReturn === -1 || carriageReturn === text.length - 1;
      return isWhole ? null : HEAD_PROBLEMS.bare_carriage_return;
    }
    if (carriageReturn === -1 || carriageReturn !== lineFeed - 1) return lineEndProblem(carriageReturn, lineFeed);
    at = lineFeed + 1;
  }
  return null;
}

/** Which of the two stands alone, where the first CR of a line is not just before its LF. */
export function lineEndProblem(carriageReturn: number, lineFeed: number): HeadProblem {
  const isReturnFirst = carriageReturn !== -1 && carriageReturn < lineFeed;
  return isReturnFirst ? HEAD_PROBLEMS.bare_carriage_return : HEAD_PROBLEMS.bare_line_feed;
}

/** A lone CR may be the first half of an empty line before the request, which is the caller's to skip. */
function isEmptyLineBegun(text: string, from: number): boolean {
  return text.length === from + 1 && text.charCodeAt(from) === CR;
}

function tokenEnd(text: string, from: number): number {
  let index = from;
  while (index < text.length && (CLASS[text.charCodeAt(index)]! & TOKEN) !== 0) index++;
  return index;
}

function isTargetTooLong(text: string, from: number, rules: RequestRules): boolean {
  if (text.length - from <= rules.maxTargetBytes) return false;
  const room = text.slice(from, from + rules.maxTargetBytes + 1);
  return !room.includes(' ') && !room.includes('\r');
}
