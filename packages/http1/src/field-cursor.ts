/**
 * Reads one line after another, without making anything but numbers of it.
 *
 * There is one cursor for all heads, because reading a head never waits: it is where the numbers of the line just read are put. It
 * relies on the head having no control characters, and on its ending with an empty line.
 */
import { CLASS, COLON, ODD, TOKEN } from './characters.ts';
import { lineEndProblem } from './head-text.ts';
import { knownField } from './known-fields.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';
import { isWhitespace, trimmed } from './whitespace.ts';

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
