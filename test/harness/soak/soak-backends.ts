/**
 * The backends of the soak: what they send for a request is made of the token that the request names (`own-bytes.ts`). They turn
 * unhealthy and healthy again, cut answers off, are slow, and stream without an end.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startHttpBackend, type HttpBackend } from '../http/http-backend.ts';
import { OwnBytes } from './own-bytes.ts';

const STREAM_INTERVAL_MS = 50;
const STREAM_LINES_MAX = 400;

export interface SoakBackend extends HttpBackend {
  /** Whether its health check passes. */
  isHealthy: boolean;
}

export async function startSoakBackend(): Promise<SoakBackend> {
  const backend = await startHttpBackend((request, response) => {
    response.on('error', () => response.destroy());
    if (request.url === '/healthz') response.writeHead(soaking.isHealthy ? 200 : 503).end();
    else if (request.method === 'POST') request.pipe(response);
    else serve(request, response);
  });
  backend.server.on('upgrade', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  const soaking: SoakBackend = Object.assign(backend, { isHealthy: true });
  return soaking;
}

/** `/own/TOKEN/BYTES`, `/chunked/TOKEN/BYTES`, `/cut/TOKEN/BYTES`, `/wait/TOKEN/MS`, `/stream/TOKEN`. */
function serve({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const [, habit, token = 'x', amount = '0'] = url.split('/');
  const bytesCount = Number(amount);
  switch (habit) {
    case 'own':
      response.setHeader('Content-Length', bytesCount);
      return send(response, new OwnBytes(token), bytesCount);
    case 'chunked':
      response.flushHeaders();
      return send(response, new OwnBytes(token), bytesCount);
    case 'cut':
      response.setHeader('Content-Length', bytesCount);
      response.write(new OwnBytes(token).next(Math.ceil(bytesCount / 2)));
      return void setTimeout(() => response.destroy(), STREAM_INTERVAL_MS);
    case 'wait':
      return void setTimeout(() => response.end(token), bytesCount);
    default:
      return stream(response, new OwnBytes(token));
  }
}

/** At the pace of whoever reads. */
function send(response: ServerResponse, own: OwnBytes, bytesCount: number): void {
  while (own.bytesCount < bytesCount) {
    if (response.destroyed) return;
    // The pattern is written as it is: it does not change, and no copy is needed.
    if (response.write(own.next(bytesCount - own.bytesCount))) continue;
    return void response.once('drain', () => send(response, own, bytesCount));
  }
  response.end();
}

function stream(response: ServerResponse, own: OwnBytes): void {
  let linesCount = 0;
  response.flushHeaders();
  const timer = setInterval(() => {
    if (++linesCount === STREAM_LINES_MAX) response.end();
    else if (!response.writableNeedDrain) response.write(own.next(64));
  }, STREAM_INTERVAL_MS);
  response.on('close', () => clearInterval(timer));
}
