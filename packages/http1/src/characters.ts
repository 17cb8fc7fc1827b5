/**
 * What each byte may be part of, as one table of bits: a message is text in which one character is one byte, and a scanner asks
 * `CLASS[code] & TOKEN` rather than comparing ranges.
 *
 * The sets are the grammar's where the grammar is safe to forward, and narrower where bytes that it allows are read in two ways.
 */

/** RFC 9110, 5.6.2: what methods, field names and options are made of. */
export const TOKEN = 1;
/** What may stand in the path of a target; see `PATH_EXTRAS`. */
export const PATH = 2;
/** What may stand in its query; see `QUERY_EXTRAS`. */
export const QUERY = 4;
/** RFC 3986, 2.3: unreserved, all that a host's name may hold here. */
export const NAME = 8;
/** RFC 9110, 5.5: a field's value: tab, space, what is visible, and bytes above ASCII. */
export const VALUE = 16;
export const DIGIT = 32;
/** What of a token is no letter, digit or `-`: see `isAlias`. */
export const ODD = 64;
/** What a path that is not in its normal form yet may have; so may a `/` before `/` or `.`: see `normalPath`. */
export const UNUSUAL = 128;

const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** RFC 3986, 3.3, with `%`: browsers send a bare `%` as it was typed; see `normalPath`. */
const PATH_GRAMMAR = `${ALPHANUMERIC}-._~!$&'()*+,;=:@/%`;
/** Outside the grammar, but left as they are by the URL standard's path percent-encode set, so browsers send them. */
const PATH_EXTRAS = '[]|^';
/** The same for queries. `"`, `<`, `>` and `#` are always escaped by browsers, and refused in both. */
const QUERY_EXTRAS = '[]|^\\`{}';

export const CLASS = new Uint8Array(256);
/** What a hexadecimal digit is worth; -1 for other bytes. */
export const HEX_VALUE = new Int8Array(256).fill(-1);

function mark(characters: string, bit: number): void {
  for (let index = 0; index < characters.length; index++) CLASS[characters.charCodeAt(index)]! |= bit;
}

mark(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`, TOKEN);
mark(PATH_GRAMMAR + PATH_EXTRAS, PATH);
mark(`${PATH_GRAMMAR}?${QUERY_EXTRAS}`, QUERY);
mark(`${ALPHANUMERIC}-._~`, NAME);
mark('0123456789', DIGIT);
mark("!#$%&'*+._`|~^", ODD);
mark('%;', UNUSUAL);
CLASS[TAB]! |= VALUE;
for (let code = SPACE; code < 256; code++) if (code !== 0x7f) CLASS[code]! |= VALUE;
for (const digit of '0123456789ABCDEFabcdef') HEX_VALUE[digit.charCodeAt(0)] = Number.parseInt(digit, 16);

/** Whether all of `text` is of the class; true for the empty text. */
export function isAll(text: string, bit: number): boolean {
  let index = 0;
  while (index < text.length && (CLASS[text.charCodeAt(index)]! & bit) !== 0) index++;
  return index === text.length;
}

/**
 * Optional whitespace as HTTP has it: spaces and tabs, nothing else. `String.trim` takes a no-break space away, which is one byte here,
 * and would make `\xA0chunked` a coding that the next reader does not see.
 */
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
