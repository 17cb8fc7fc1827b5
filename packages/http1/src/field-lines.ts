/**
 * The lines of fields, read one after another without making anything but numbers of them.
 *
 * The fields that framing, routing and trust depend on are known by number. A name is looked up by its length and first letter, which
 * is enough to tell the known ones apart; then it is compared. So no string is made of it. All other fields are just text that goes on.
 *
 * There is one cursor for all heads, because reading a head never waits: it is where the numbers of the line just read are put. It
 * relies on the head having no control characters, and on its ending with an empty line.
 */
import { CLASS, COLON, isWhitespace, ODD, TOKEN, trimmed } from './characters.ts';
import { lineEndProblem } from './head-text.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';
import { foldedName } from './own-fields.ts';

/** What `read` returns for a line that is refused. */
export const REFUSED = -1;

class FieldCursor {
  /** Index of the colon. */
  nameTo = 0;
  /** Index just past the line's CRLF. */
  lineTo = 0;
  /** Whether there is a character in the name that is no letter, digit or `-`. */
  isOdd = false;
  /** Why the last line was refused. */
  problem: HeadProblem = HEAD_PROBLEMS.field_line;

  /** Finds the end of the line in which `from` lies; false if there is a CR or LF alone before it. */
  endLine(text: string, from: number): boolean {
    const lineFeed = text.indexOf('\n', from);
    const carriageReturn = text.indexOf('\r', from);
    this.lineTo = lineFeed + 1;
    if (carriageReturn === lineFeed - 1) return true;
    this.problem = lineEndProblem(carriageReturn, lineFeed);
    return false;
  }

  /** Reads the field line at `from`; returns the field's number as `KNOWN` has it, or REFUSED. */
  read(text: string, from: number): number {
    let index = from;
    let classes = CLASS[text.charCodeAt(index)]!;
    let seen = 0;
    while ((classes & TOKEN) !== 0) {
      seen |= classes;
      classes = CLASS[text.charCodeAt(++index)]!;
    }
    if (!this.endLine(text, index)) return REFUSED;
    if (index === from || text.charCodeAt(index) !== COLON) {
      this.problem = nameProblem(text, from, index);
      return REFUSED;
    }
    this.nameTo = index;
    this.isOdd = (seen & ODD) !== 0;
    return knownField(text, from, index);
  }

  /** The value of the line just read, without the whitespace around it. */
  value(text: string): string {
    return trimmed(text, this.nameTo + 1, this.lineTo - 2);
  }
}

export const cursor = new FieldCursor();

/** Why the name that begins at `from` does not go on to a colon at `index`. */
function nameProblem(text: string, from: number, index: number): HeadProblem {
  const code = text.charCodeAt(index);
  if (index === from && isWhitespace(code)) return HEAD_PROBLEMS.folded_line;
  const colon = text.indexOf(':', index);
  if (colon === -1 || colon > text.indexOf('\r', index)) return HEAD_PROBLEMS.field_line;
  return isWhitespace(code) ? HEAD_PROBLEMS.space_before_colon : HEAD_PROBLEMS.field_name;
}

/** The number of each known field; 0 is every other field. */
export const KNOWN = {
  other: 0,
  host: 1,
  connection: 2,
  'content-length': 3,
  'transfer-encoding': 4,
  upgrade: 5,
  expect: 6,
  'max-forwards': 7,
  'keep-alive': 8,
  'proxy-connection': 9,
  te: 10,
  'http2-settings': 11,
  'proxy-authorization': 12,
  'proxy-authenticate': 13,
  'proxy-authentication-info': 14,
  'x-forwarded-for': 15,
  'x-forwarded-proto': 16,
  'x-forwarded-host': 17,
  forwarded: 18,
  'x-request-id': 19,
  date: 20,
} as const;

const NAMES = Object.keys(KNOWN);
const LONGEST_NAME = 31;
/** The names' characters, each name at its number × 32. */
const CODES = new Uint8Array(NAMES.length * (LONGEST_NAME + 1));
/** By length × 32 + first letter. */
const CANDIDATES = new Uint8Array((LONGEST_NAME + 1) * 32);

for (const [name, id] of Object.entries(KNOWN)) {
  if (id === KNOWN.other) continue;
  const slot = slotOf(name.length, name.charCodeAt(0));
  if (CANDIDATES[slot] !== 0)
    throw new Error(`${name} and ${NAMES[CANDIDATES[slot]!]} need another way to be told apart`);
  CANDIDATES[slot] = id;
  for (let index = 0; index < name.length; index++) CODES[(id << 5) + index] = name.charCodeAt(index);
}

function slotOf(length: number, firstCode: number): number {
  return (length << 5) | (firstCode & 31);
}

/** The number of the field whose name, a token in any case, lies there; 0 for a field that is none of the known. */
function knownField(text: string, from: number, to: number): number {
  const length = to - from;
  if (length > LONGEST_NAME) return KNOWN.other;
  const id = CANDIDATES[slotOf(length, text.charCodeAt(from))]!;
  if (id === KNOWN.other) return id;
  const codesFrom = id << 5;
  // In a token, `| 32` makes letters small and leaves what else is in these names as it is.
  for (let index = 0; index < length; index++) {
    if ((text.charCodeAt(from + index) | 32) !== CODES[codesFrom + index]) return KNOWN.other;
  }
  return id;
}

/**
 * Whether a name that has something else than letters, digits and `-` would be read as one of the known fields by a backend that
 * speaks CGI or WSGI, where `-`, `_` and, for some, all such characters end as `_`: a way past everything that looks at names.
 */
export function isAlias(name: string): boolean {
  return Object.hasOwn(KNOWN, foldedName(name));
}
