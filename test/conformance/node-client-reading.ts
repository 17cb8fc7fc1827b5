/**
 * The oracle for answers: what a real `node:http` client, with its strict defaults, makes of the bytes that come back.
 *
 * As for requests, the parser is fed within the call; only the client itself needs a turn of the event loop to be ready.
 */
import { request, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

export interface ReadAnswer {
  readonly interimCount: number;
  /** 0 where no head was read. */
  readonly status: number;
  /** Names and values in turn, as sent. */
  readonly fields: readonly string[];
  /** One character per byte; what there was of it, where it is not complete. */
  readonly body: string;
  readonly isComplete: boolean;
  /** The parser's code; null where it had nothing against the bytes. */
  readonly failure: string | null;
}

class AnsweredStream extends Duplex {
  override _read(): void {
    // Nothing comes this way.
  }

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

/** Reads what answers one request: the bytes in one piece and then, where `isEnded`, the end of the connection. */
export async function readAsNodeClient(method: string, text: string, isEnded: boolean): Promise<ReadAnswer> {
  const stream = new AnsweredStream();
  let interimCount = 0;
  let answer: IncomingMessage | null = null;
  let body = '';
  let failure: string | null = null;
  const client = request({ createConnection: () => stream, method, path: '/', host: 'a' });
  client.on('information', () => interimCount++);
  client.on('error', (error: NodeJS.ErrnoException) => (failure ??= error.code ?? error.message));
  client.on('upgrade', () => (failure ??= 'upgrade'));
  client.on('response', (response) => {
    answer = response;
    response.on('error', (error: NodeJS.ErrnoException) => (failure ??= error.code ?? error.message));
    const push = response.push.bind(response);
    response.push = (chunk: Buffer | null) => {
      if (chunk !== null) body += chunk.toString('latin1');
      return push(chunk);
    };
  });
  client.end();
  await new Promise<void>((resolve) => process.nextTick(resolve));
  if (text !== '') stream.emit('data', Buffer.from(text, 'latin1'));
  if (isEnded) stream.emit('end');
  const { statusCode = 0, rawHeaders = [], complete = false } = (answer ?? {}) as Partial<IncomingMessage>;
  stream.destroy();
  return { interimCount, status: statusCode, fields: rawHeaders, body, isComplete: complete, failure };
}
