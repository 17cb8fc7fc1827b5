/**
 * The oracle for requests: what a real `node:http` server, with its strict defaults, makes of the bytes of one connection.
 *
 * Everything happens within the call: the server is handed a stream that is never read, the bytes are given to the parser as a
 * `data` event, and its messages note what they are told as it happens. Nothing is answered: the parser does not wait for it.
 */
import { createServer, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export interface ReadRequest {
  readonly method: string;
  /** As sent. */
  readonly target: string;
  readonly version: string;
  /** Names and values in turn, as sent. */
  readonly fields: readonly string[];
  /** One character per byte; what there was of it, where it is not complete. */
  readonly body: string;
  readonly isComplete: boolean;
  /** False for what was read but not handed to the application: a missing Host, an expectation that cannot be met. */
  readonly isServed: boolean;
}

export interface ServerReading {
  readonly requests: readonly ReadRequest[];
  /** The parser's code, for example 'HPE_INVALID_TOKEN'; null where the bytes ended between two messages. */
  readonly failure: string | null;
}

class NotingStream extends Duplex {
  readonly noted: NotingRequest[] = [];
  failure: string | null = null;

  override _read(): void {
    // Nothing comes this way.
  }

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

class NotingRequest extends IncomingMessage {
  noted = '';
  isNotedComplete = false;
  isServed = false;

  constructor(socket: Socket) {
    super(socket);
    (socket as unknown as NotingStream).noted.push(this);
  }

  override push(chunk: Buffer | null): boolean {
    if (chunk === null) this.isNotedComplete = true;
    else this.noted += chunk.toString('latin1');
    return true;
  }
}

const server = createServer({ IncomingMessage: NotingRequest, shouldUpgradeCallback: () => false });
const serve = (request: NotingRequest) => void (request.isServed = true);
server.on('request', serve).on('checkContinue', serve);
server.on('checkExpectation', () => undefined);
server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
  (stream as unknown as NotingStream).failure ??= error.code ?? error.message;
});

/** Reads one connection, delivered in one piece and then ended. */
export function readAsNodeServer(bytes: Uint8Array): ServerReading {
  const stream = new NotingStream();
  const { stackTraceLimit } = Error;
  // Two in three connections end in an error here, and its stack costs more than the parsing.
  Error.stackTraceLimit = 0;
  server.emit('connection', stream as unknown as Socket);
  stream.emit('data', bytes);
  if (stream.failure === null) stream.emit('end');
  stream.destroy();
  Error.stackTraceLimit = stackTraceLimit;
  return { requests: stream.noted.map(noted), failure: stream.failure };
}

function noted(request: NotingRequest): ReadRequest {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    version: request.httpVersion,
    fields: request.rawHeaders,
    body: request.noted,
    isComplete: request.isNotedComplete,
    isServed: request.isServed,
  };
}
