/**
 * A backend with one of everything that real clients meet.
 *
 *     /hello      a short answer with a length            /echo     the body as it comes, chunked
 *     /seen       the request as it arrived, as JSON      /digest   { bytes, sha256 } of the body
 *     /large      4 MiB with a length                     /gzip     the same text compressed
 *     /wait/MS    an answer after MS milliseconds         /endless  one chunk after another, until the client leaves
 *     /hints      103, then 200                           /trailers chunked, with a trailer
 *     /redirect   302 to /hello                           /empty    204
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

export const LARGE = Buffer.alloc(4 * 1_048_576, 'a magic word, ');
const ENDLESS_CHUNK = Buffer.alloc(65_536, 'more ');

type Serve = (request: IncomingMessage, response: ServerResponse) => unknown;

const SERVE_BY_PATH: Readonly<Record<string, Serve>> = {
  '/hello': (_request, response) => response.setHeader('Content-Length', 6).end('hello\n'),
  '/echo': (request, response) => {
    response.flushHeaders();
    request.pipe(response);
  },
  '/seen': ({ method, url, httpVersion, headers }, response) => json(response, { method, url, httpVersion, headers }),
  '/digest': (request, response) =>
    buffer(request).then(
      (body) => json(response, digestOf(body)),
      () => response.destroy(),
    ),
  '/large': (_request, response) => response.setHeader('Content-Length', LARGE.length).end(LARGE),
  '/gzip': (_request, response) => response.setHeader('Content-Encoding', 'gzip').end(gzipSync('hello\n')),
  '/endless': (_request, response) => {
    const more = () => {
      while (response.write(ENDLESS_CHUNK));
    };
    response.on('drain', more);
    more();
  },
  '/hints': (_request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    response.end('hello\n');
  },
  '/trailers': (_request, response) => {
    response.setHeader('Trailer', 'X-Sum');
    response.write('hello\n');
    response.addTrailers({ 'X-Sum': '42' });
    response.end();
  },
  '/redirect': (_request, response) => response.writeHead(302, { Location: '/hello' }).end(),
  '/empty': (_request, response) => response.writeHead(204).end(),
};

export function serveDemo(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url!.split('?', 1)[0]!;
  const waitMs = /^\/wait\/(\d+)$/.exec(path)?.[1];
  if (waitMs !== undefined) {
    setTimeout(() => response.end(path), Number(waitMs));
    return;
  }
  const serve = SERVE_BY_PATH[path];
  if (serve === undefined) response.writeHead(404).end('nothing here\n');
  else void serve(request, response);
}

export function digestOf(body: Uint8Array): { bytes: number; sha256: string } {
  return { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
}
