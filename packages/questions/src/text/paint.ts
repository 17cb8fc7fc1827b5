/**
 * Colours in lines, and lines as a terminal may have them: with the colours that `paint` put in, and nothing else that a terminal would
 * obey. The two belong together, because only this process knows by what the one marks what the other lets through.
 */
import { randomInt } from 'node:crypto';
import { inspect, styleText } from 'node:util';
import { printable } from './plain-text.ts';

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold' | 'inverse';

/**
 * In each colour that `paint` writes. Nobody outside of this process can know it, so no text can bring a colour of its own. It is three
 * parameters of four digits, because a longer one is no escape sequence to `stripVTControlCharacters`, and would count as text.
 */
const MARK = Array.from({ length: 3 }, () => randomInt(1_000, 10_000)).join(';');
const PAINTED = new RegExp(`\\u001b\\[${MARK};(\\d+)m`);

/** Colours on a terminal only, and never with NO_COLOR. The text is to be written through `terminalLine`. */
export function paint(colour: Colour, text: string): string {
  if (styleText(colour, '.', { stream: process.stdout }) === '.') return text;
  const [open, close] = inspect.colors[colour];
  return `\u001b[${MARK};${open}m${text}\u001b[${MARK};${close}m`;
}

/** A line as a terminal may have it: with the colours of `paint`, and nothing else that it would obey. */
export function terminalLine(line: string): string {
  // Every second part is the number of a colour.
  const parts = line.split(PAINTED);
  return parts.map((part, index) => (index % 2 === 0 ? printable(part) : `\u001b[${part}m`)).join('');
}
