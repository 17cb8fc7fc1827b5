/**
 * Reads one field line after another, without making anything but numbers of it.
 *
 * There is one cursor for all heads, because reading a head never waits: it is where the numbers of the line just read are put.
 * It relies on `characterProblem` having passed.
 */
import { CLASS, COLON, CR, LF, TOKEN, UNDERSCORE } from './characters.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';
import { knownField } from './known-fields.ts';
import { isWhitespace, trimmed } from './whitespace.ts';

/** What `read` returns for a line that is refused. */
export const REFUSED = -1;

class FieldCursor {
  /** Index of the colon. */
  nameTo = 0;
  /** Index just past the line's CRLF. */
  lineTo = 0;
  /** Whether there is an underscore in the name. */
  hasUnderscore = false;
  /** Why the last line was refused. */
  problem: HeadProblem = HEAD_PROBLEMS.field_line;

  /** Reads the line at `from`; returns the field's number as `KNOWN` has it, or REFUSED. */
  read(text: string, from: number): number {
    let index = from;
    let classes = 0;
    let seen = 0;
    while (((classes = CLASS[text.charCodeAt(index)]!) & TOKEN) !== 0) {
      seen |= classes;
      index++;
    }
    if (index === from || text.charCodeAt(index) !== COLON) return this.#refuse(nameProblem(text, from, index));
    const lineFeed = text.indexOf('\n', index);
    if (text.charCodeAt(lineFeed - 1) !== CR) return this.#refuse(HEAD_PROBLEMS.bare_line_feed);
    this.nameTo = index;
    this.lineTo = lineFeed + 1;
    this.hasUnderscore = (seen & UNDERSCORE) !== 0;
    return knownField(text, from, index);
  }

  /** The value of the line just read, without the whitespace around it. */
  value(text: string): string {
    return trimmed(text, this.nameTo + 1, this.lineTo - 2);
  }

  #refuse(problem: HeadProblem): number {
    this.problem = problem;
    return REFUSED;
  }
}

export const cursor = new FieldCursor();

/** Why the name that begins at `from` does not go on to a colon at `index`. */
function nameProblem(text: string, from: number, index: number): HeadProblem {
  const code = text.charCodeAt(index);
  if (index === from && isWhitespace(code)) return HEAD_PROBLEMS.folded_line;
  if (code === LF) return HEAD_PROBLEMS.bare_line_feed;
  const lineEnd = text.indexOf('\r', index);
  const colon = text.indexOf(':', index);
  if (colon === -1 || colon > lineEnd) return HEAD_PROBLEMS.field_line;
  return isWhitespace(code) ? HEAD_PROBLEMS.space_before_colon : HEAD_PROBLEMS.field_name;
}
