/** What every command works with: the node it talks to, and where its output goes, as text or as JSON. */
import { once } from 'node:events';
import { styleText } from 'node:util';
import { AdminClient } from './admin-client.ts';
import { setLines, type Line } from './table.ts';

const DEFAULT_ADMIN_URL = 'http://127.0.0.1:9900';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly admin?: string;
  readonly json?: boolean;
  /** Tables are not cut to the terminal's width. */
  readonly wide?: boolean;
}

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold' | 'inverse';

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
    await write(this.isJson ? `${JSON.stringify(value, null, 2)}\n` : `${this.set(lines).join('\n')}\n`);
  }

  /** The lines as the terminal takes them; whole where the output is no terminal. */
  set(lines: readonly Line[]): string[] {
    const { isTTY, columns } = process.stdout;
    return setLines(lines, isTTY && !this.#isWide && columns > 0 ? columns : Infinity);
  }
}

/** Waits while the reader is slow, so that nothing piles up here. */
export async function write(output: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(output)) await once(process.stdout, 'drain');
}

/** Colours on a terminal only, and never with NO_COLOR. */
export function paint(colour: Colour, text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}

/** For commands, which ask the node only once they run. */
export type OpenSession = () => Promise<Session>;
