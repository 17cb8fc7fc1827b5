/** What every command works with: the node it talks to, and its answer as text or as JSON. */
import { AdminClient } from './admin-client.ts';
import { setLines, writeJson, writeLines, type Line } from '@muster/questions/text';

const DEFAULT_ADMIN_URL = 'http://127.0.0.1:9900';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly admin?: string;
  readonly json?: boolean;
  /** Tables are not cut to the terminal's width. */
  readonly wide?: boolean;
}

/** What the process around the command line knows. */
export interface SessionSurroundings {
  /** `MUSTER_ADMIN` and `MUSTER_ADMIN_TOKEN` are read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Hears the signals that ask this process to end, until it is told to forget them. */
  readonly hearStop: () => { readonly first: Promise<string>; forget(): void };
}

export class Session {
  readonly client: AdminClient;
  readonly isJson: boolean;
  readonly hearStop: SessionSurroundings['hearStop'];
  readonly #isWide: boolean;

  constructor({ admin, json, wide }: GlobalOptions, { environment, hearStop }: SessionSurroundings) {
    const { MUSTER_ADMIN, MUSTER_ADMIN_TOKEN } = environment;
    this.hearStop = hearStop;
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

/** For commands, which ask the node only once they run. */
export type OpenSession = () => Promise<Session>;
