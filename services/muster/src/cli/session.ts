/**
 * What every command works with: the node it talks to, and where its output goes, as text or as JSON.
 *
 * Nothing of ours reaches a terminal but through here, and what others chose (names, reasons, error texts, paths) does nothing there:
 * every line is made `printable` on its way out, and only the colours that `paint` put in are let through. `test/tidy` refuses other
 * ways to stdout and stderr.
 */
import { once } from 'node:events';
import { AdminClient } from './admin-client.ts';
import { printable, setLines, terminalLine, type Line } from '@muster/questions/text';

const DEFAULT_ADMIN_URL = 'http://127.0.0.1:9900';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly admin?: string;
  readonly json?: boolean;
  /** Tables are not cut to the terminal's width. */
  readonly wide?: boolean;
}

export class Session {
  readonly client: AdminClient;
  readonly isJson: boolean;
  readonly #isWide: boolean;

  constructor({ admin, json, wide }: GlobalOptions) {
    const { MUSTER_ADMIN, MUSTER_ADMIN_TOKEN } = process.env;
    this.client = new AdminClient({
      url: admin ?? (MUSTER_ADMIN || DEFAULT_ADMIN_URL),
      token: MUSTER_ADMIN_TOKEN || null,
    });
    this.isJson = json === true;
    this.#isWide = wide === true;
  }

  /** The command's answer: the value with `--json`, else the lines. */
  async print(value: unknown, lines: readonly Line[]): Promise<void> {
    await (this.isJson ? writeJson(value, 2) : writeLines(this.set(lines)));
  }

  /** The lines as the terminal takes them; whole where the output is no terminal. */
  set(lines: readonly Line[]): string[] {
    const { isTTY, columns } = process.stdout;
    return setLines(lines, isTTY && !this.#isWide && columns > 0 ? columns : Infinity);
  }
}

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

/** For commands, which ask the node only once they run. */
export type OpenSession = () => Promise<Session>;
