/**
 * Optional whitespace as HTTP has it: spaces and tabs, nothing else. `String.trim` takes a no-break space away, which is one byte
 * here, and would make `\xA0chunked` a coding that the next reader does not see.
 */
import { SPACE, TAB } from './characters.ts';

export function isWhitespace(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** The text between the indices, without whitespace around it. */
export function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isWhitespace(text.charCodeAt(from))) from++;
  while (from < to && isWhitespace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** The elements between the commas of a list; '' for an empty one. */
export function elements(list: string): string[] {
  return list.split(',').map((element) => trimmed(element, 0, element.length));
}
