/** HTTP clients for tests: one request on a connection of its own, and a kept-alive connection that says how each request ended. */
import { once } from 'node:events';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface AskOptions {
  readonly path?: string;
  /** Default: POST where there is a body, else GET. */
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What `X-Backend` says; null where it is missing. */
  readonly backend: string | null;
}

/** One request on a connection of its own. Rejects when there is no answer. */
export async function ask(address: Address, options: AskOptions = {}): Promise<Answer> {
  const { path = '/', body, method = body === undefined ? 'GET' : 'POST', headers = {} } = options;
  const outgoing = request({ ...address, path, method, headers, agent: false }).end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk as string;
  const backend = (incoming.headers['x-backend'] as string | undefined) ?? null;
  return { status: incoming.statusCode!, headers: incoming.headers, body: text, backend };
}

/** An answer with a Content-Length, as far as a load looks at it. */
export interface ShortAnswer {
  readonly status: number;
  readonly backend: string | null;
  /** Muster's own word on a failure; null in a backend's answer. */
  readonly reason: string | null;
  readonly isLast: boolean;
}

/** One connection, one request at a time. It never sends a request again: what is lost is lost. */
export class KeptConnection {
  readonly #socket: Socket;
  #received = '';
  #waiting: PromiseWithResolvers<ShortAnswer> | null = null;
  /** No request was sent on it. */
  isFirst = true;
  /** No further request can be sent on it. */
  isOver = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => this.#receive(text));
    socket.on('end', () => this.#over('ended')).on('close', () => this.#over('closed'));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#over(error.code ?? error.message));
  }

  /** Rejects with the socket's error. */
  static async open(address: Address): Promise<KeptConnection> {
    const socket = connect({ ...address, noDelay: true });
    await once(socket, 'connect');
    return new KeptConnection(socket);
  }

  /** Resolves to the answer; rejects when the connection ends before there is one. */
  ask(text: string): Promise<ShortAnswer> {
    this.isFirst = false;
    this.#waiting = Promise.withResolvers();
    this.#socket.write(text, 'latin1');
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#received += text;
    const answer = shortAnswer(this.#received);
    if (answer === null) return;
    this.#received = '';
    if (answer.isLast) this.isOver = true;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(answer);
  }

  #over(how: string): void {
    this.isOver = true;
    this.#socket.destroy();
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(new Error(`the connection ${how} after ${this.#received.length} bytes of an answer`));
  }
}

/** Null while it is not whole. Throws where it has no length. */
function shortAnswer(text: string): ShortAnswer | null {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = text.slice(0, end);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${head}`);
  if (text.length < end + 4 + Number(length)) return null;
  return {
    status: Number(head.slice(9, 12)),
    backend: /^x-backend: (.*)$/im.exec(head)?.[1] ?? null,
    reason: /^muster-reason: (.*)$/im.exec(head)?.[1] ?? null,
    isLast: /^connection: close$/im.test(head),
  };
}
