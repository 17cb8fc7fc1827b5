/**
 * What Content-Length and Transfer-Encoding say about where a body ends (RFC 9112, 6).
 *
 * Stricter than the RFC where it leaves a choice, because everything that disagrees about a body's end here ends as a request
 * that somebody smuggled: a length is one line with one number, also where a list would repeat it; both fields together are
 * refused, not repaired; and the only coding is one `chunked`.
 */
import { DIGIT, TOKEN, isAll } from './characters.ts';
import { elements } from './whitespace.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';

/** What `decimal` returns for a text that is no such number. */
export const NO_NUMBER = -1;

/** A decimal number of digits alone, at most Number.MAX_SAFE_INTEGER; NO_NUMBER for anything else. */
export function decimal(value: string): number {
  if (value === '' || !isAll(value, DIGIT)) return NO_NUMBER;
  const number = Number(value);
  return number <= Number.MAX_SAFE_INTEGER ? number : NO_NUMBER;
}

/**
 * What is wrong with the value of Transfer-Encoding, several lines joined by commas; null where it is exactly `chunked`.
 * RFC 9112, 6.1: codings that are not understood are 501; 6.3: in a request, `chunked` must be the last. Applying it twice is
 * forbidden, so that is no unknown coding but a faulty message.
 */
export function codingProblem(value: string): HeadProblem | null {
  const codings = elements(value.toLowerCase());
  if (codings.length === 1 && codings[0] === 'chunked') return null;
  if (codings.some((coding) => coding === '' || !isAll(coding, TOKEN))) return HEAD_PROBLEMS.coding;
  return codings.indexOf('chunked') === codings.length - 1 ? HEAD_PROBLEMS.coding_unknown : HEAD_PROBLEMS.coding;
}
