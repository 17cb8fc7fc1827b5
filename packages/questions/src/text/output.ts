/**
 * The way out to terminals, files and pipes, for everything that this program prints.
 *
 * Nothing of ours reaches a terminal but through here, and what others chose (names, reasons, error texts, paths) does nothing there:
 * every line is made `printable` on its way out, and only the colours that `paint` put in are let through. `test/tidy` refuses other
 * ways to stdout and stderr.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { inspect, styleText } from 'node:util';
import { printable } from './plain-text.ts';

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold' | 'inverse';

export async function writeLines(lines: readonly string[]): Promise<void> {
  await write(`${lines.map(terminalLine).join('\n')}\n`);
}

/** One JSON text. What a terminal would obey is escaped in it, which is the same JSON. */
export async function writeJson(value: unknown, indent = 0): Promise<void> {
  await writeJsonLines(JSON.stringify(value, null, indent));
}

/** JSON that is text already, and has line feeds only between its tokens. */
export async function writeJsonLines(text: string): Promise<void> {
  await write(`${text.split('\n').map(printable).join('\n')}\n`);
}

/** For files and pipes: as they are. */
export async function writeBytes(bytes: Uint8Array): Promise<void> {
  await write(bytes);
}

/** Sequences of our own, for a screen; lines in it have passed `terminalLine`. */
export async function writeControl(text: string): Promise<void> {
  await write(text);
}

/** To stderr. A reader that is gone, or a full disk, costs the lines. */
export function writeError(...lines: readonly string[]): void {
  process.stderr.write(`${lines.map(terminalLine).join('\n')}\n`);
}

/** A text of several lines that is our own, such as help, and without waiting for its reader. */
export function writeText(text: string): void {
  process.stdout.write(text.split('\n').map(terminalLine).join('\n'));
}

/** Waits while the reader is slow, so that nothing piles up here. */
async function write(output: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(output)) await once(process.stdout, 'drain');
}

/**
 * In each colour that `paint` writes. Nobody outside of this process can know it, so no text can bring a colour of its own. It is three
 * parameters of four digits, because a longer one is no escape sequence to `stripVTControlCharacters`, and would count as text.
 */
const MARK = Array.from({ length: 3 }, () => randomInt(1_000, 10_000)).join(';');
const PAINTED = new RegExp(`\\u001b\\[${MARK};(\\d+)m`);

/** Colours on a terminal only, and never with NO_COLOR. To be written by the functions above. */
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
