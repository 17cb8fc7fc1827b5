/**
 * The admin API from the outside: what the command line talks to. Every failure becomes one line that says what to do.
 */
import { hostname, userInfo } from 'node:os';
import type { ApiErrorBody } from '@muster/questions/answers';
import { CliFailure } from './cli-failure.ts';

/** How the last line of a streamed answer begins that broke off. */
const BREAK_LINE_START = '{"error":';
/** For an answer to begin; streams may then go on for ever. */
const ANSWER_TIMEOUT_MS = 30_000;

export interface AdminClientOptions {
  /** For example `http://127.0.0.1:9900`; `127.0.0.1:9900` will do. */
  readonly url: string;
  readonly token: string | null;
}

export class AdminClient {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ url, token }: AdminClientOptions) {
    const withScheme = url.includes('://') ? url : `http://${url}`;
    const parsed = URL.parse(withScheme);
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw new CliFailure(
        'invalid',
        `the admin address "${url}" is not a URL; give one such as http://127.0.0.1:9900`,
      );
    }
    this.url = withScheme.replace(/\/+$/, '');
    this.#headers = token === null ? {} : { authorization: `Bearer ${token}` };
  }

  async get<Answer>(path: string): Promise<Answer> {
    return this.#answerOf(await this.#fetch(path, {}));
  }

  /** `origin`: who does it; the person at this terminal by default. */
  async post<Answer>(path: string, body: unknown, origin = personOrigin()): Promise<Answer> {
    const response = await this.#fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'muster-origin': origin },
      body: JSON.stringify(body),
    });
    return this.#answerOf(response);
  }

  /** Of a node that is ended meanwhile, a part of the answer comes, or a text that is no JSON. */
  async #answerOf<Answer>(response: Response): Promise<Answer> {
    try {
      return (await response.json()) as Answer;
    } catch (error) {
      throw this.#ended(error as Error);
    }
  }

  /**
   * The lines of a streamed answer, without their ends. Throws `CliFailure` where the answer breaks off: with the node's own reason,
   * which is then its last line, or where the node is gone.
   */
  async *lines(path: string): AsyncGenerator<string, void> {
    const response = await this.#fetch(path, {});
    let rest = '';
    const decoder = new TextDecoder();
    for await (const bytes of this.#chunks(response)) {
      const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) yield whole(line);
    }
    if (rest !== '') yield whole(rest);
  }

  /** The bytes of a streamed answer. Throws `CliFailure` where the node ends it early. */
  async *bytes(path: string): AsyncGenerator<Uint8Array, void> {
    yield* this.#chunks(await this.#fetch(path, {}));
  }

  async *#chunks(response: Response): AsyncGenerator<Uint8Array, void> {
    if (response.body === null) return;
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read().catch((error: Error) => {
          throw this.#ended(error);
        });
        if (done) return;
        yield value;
      }
    } finally {
      // Who reads no further lets the node stop as well.
      await reader.cancel().catch(() => undefined);
    }
  }

  #ended({ message }: Error): CliFailure {
    return new CliFailure('ended', `${this.url} ended its answer early (${message}); the node's log may say why`);
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), ANSWER_TIMEOUT_MS);
    let response: Response;
    try {
      const headers = { ...this.#headers, ...(init.headers as Record<string, string> | undefined) };
      response = await fetch(this.url + path, { ...init, headers, signal: timeout.signal });
    } catch (error) {
      throw this.#unreachable(error as Error);
    } finally {
      clearTimeout(timer);
    }
    if (!response.ok) throw await refusal(response, this.url);
    return response;
  }

  #unreachable(error: Error): CliFailure {
    const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
    const choose = 'choose another node with --admin URL or MUSTER_ADMIN';
    if (code === 'ECONNREFUSED') {
      return new CliFailure('no-node', `no node answers at ${this.url}; start one with "muster up", or ${choose}`);
    }
    if (error.name === 'AbortError') {
      return new CliFailure('no-answer', `${this.url} gave no answer in ${ANSWER_TIMEOUT_MS / 1_000} s; ${choose}`);
    }
    return new CliFailure('no-node', `${this.url} cannot be reached (${code ?? message}); ${choose}`);
  }
}

/** Lines are objects, and none but the last of an answer that broke off begins so. Throws its reason. */
function whole(line: string): string {
  if (!line.startsWith(BREAK_LINE_START)) return line;
  const { error } = JSON.parse(line) as ApiErrorBody;
  throw new CliFailure(error.code, `the answer broke off: ${error.message}`);
}

async function refusal(response: Response, url: string): Promise<CliFailure> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as ApiErrorBody;
    return new CliFailure(error.code, error.message, error.suggestion ?? null);
  } catch {
    // Whatever answered there is not the admin API.
    return new CliFailure('no-node', `${url} answered ${response.status}, but not as a muster node does`);
  }
}

/** `cli:alice@host`, in the characters that a header can carry. */
export function personOrigin(): string {
  return `cli:${userName()}@${hostname()}`.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 256);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
