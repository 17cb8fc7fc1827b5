/** What every command works with: the node it talks to, and where its output goes, as text or as JSON. */
import { once } from 'node:events';
import { styleText } from 'node:util';
import { AdminClient } from './admin-client.ts';

const DEFAULT_ADMIN_URL = 'http://127.0.0.1:9900';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly admin?: string;
  readonly json?: boolean;
}

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold' | 'inverse';

export class Session {
  readonly client: AdminClient;
  readonly isJson: boolean;

  constructor({ admin, json }: GlobalOptions) {
    const { MUSTER_ADMIN, MUSTER_ADMIN_TOKEN } = process.env;
    this.client = new AdminClient({
      url: admin ?? (MUSTER_ADMIN || DEFAULT_ADMIN_URL),
      token: MUSTER_ADMIN_TOKEN || null,
    });
    this.isJson = json === true;
  }

  /** The command's answer: the value with `--json`, else the lines. */
  async print(value: unknown, lines: readonly string[]): Promise<void> {
    await write(this.isJson ? `${JSON.stringify(value, null, 2)}\n` : `${lines.join('\n')}\n`);
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
