/**
 * The admin API from the outside: what the command line talks to. Every failure becomes one line that says what to do.
 */
import { hostname, userInfo } from 'node:os';
import type { ApiErrorBody } from '../admin/api-error.ts';
import { CliFailure } from './cli-failure.ts';

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
    const response = await this.#fetch(path, {});
    return (await response.json()) as Answer;
  }

  /** `origin`: who does it; the person at this terminal by default. */
  async post<Answer>(path: string, body: unknown, origin = personOrigin()): Promise<Answer> {
    const response = await this.#fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'muster-origin': origin },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Answer;
  }

  /** The lines of a streamed answer, without their ends. */
  async *lines(path: string): AsyncGenerator<string, void> {
    const response = await this.#fetch(path, {});
    if (response.body === null) return;
    let rest = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
    }
    if (rest !== '') yield rest;
  }

  /** The bytes of a streamed answer. Throws `CliFailure` where the node ends it early. */
  async *bytes(path: string): AsyncGenerator<Uint8Array, void> {
    const response = await this.#fetch(path, {});
    if (response.body === null) return;
    try {
      yield* response.body;
    } catch (error) {
      const message = `${this.url} ended its answer early (${(error as Error).message}); the node's log may say why`;
      throw new CliFailure('ended', message);
    }
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
