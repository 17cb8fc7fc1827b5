/**
 * Keys out of what a terminal sends: a character as it is, and names for the rest. What it does not know it passes over.
 */

const ESCAPE = '\u001b';

const SEQUENCES: Readonly<Record<string, string>> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001b[C': 'right',
  '\u001b[D': 'left',
  '\u001bOA': 'up',
  '\u001bOB': 'down',
  '\u001bOC': 'right',
  '\u001bOD': 'left',
  '\u001b[H': 'home',
  '\u001b[F': 'end',
  '\u001bOH': 'home',
  '\u001bOF': 'end',
  '\u001b[1~': 'home',
  '\u001b[4~': 'end',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b': 'escape',
  '\u0003': 'ctrl-c',
  '\u0004': 'ctrl-c',
  '\t': 'tab',
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'backspace',
  '\b': 'backspace',
};
/** A control sequence, one of two characters, or one character. */
const KEY = new RegExp(`${ESCAPE}\\[[0-9;?]*[ -/]*[@-~]|${ESCAPE}O[A-Z]|[^]`, 'gu');
const CONTROL = /\p{Cc}/u;

/** The keys of a chunk, in order. A terminal sends a sequence in one piece. */
export function readKeys(chunk: string): string[] {
  const keys: string[] = [];
  for (const [sequence] of chunk.matchAll(KEY)) {
    const name = SEQUENCES[sequence];
    if (name !== undefined) keys.push(name);
    else if (!CONTROL.test(sequence)) keys.push(sequence);
  }
  return keys;
}
