/**
 * HTTP backends for tests: `node:http` servers in this process, and processes of their own that write down every request
 * before they answer it, so that what they had seen is still known after a kill -9.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../node.ts';
import { eventually, startProcess, type TestProcess } from '../processes/process.ts';

export interface HttpBackend extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  /** `127.0.0.1:PORT`. */
  readonly target: string;
  /** How many requests have arrived. */
  requestsCount(): number;
  /** How many connections are open. */
  openCount(): number;
}

export async function startHttpBackend(serve: RequestListener, port = 0): Promise<HttpBackend> {
  let requestsCount = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, noDelay: true }, (request, response) => {
    requestsCount++;
    serve(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    server,
    port: bound,
    target: `127.0.0.1:${bound}`,
    requestsCount: () => requestsCount,
    openCount: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      server.close();
      // Those that were upgraded, too.
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Takes the whole request, then answers 200 with its name, in the body and in `X-Backend`. */
export function startNamedHttp(name: string, port = 0): Promise<HttpBackend> {
  return startHttpBackend((request, response) => {
    request.resume().on('end', () => response.setHeader('X-Backend', name).end(`${name}\n`));
  }, port);
}

export interface RecordingBackend extends AsyncDisposable {
  readonly process: TestProcess;
  readonly name: string;
  readonly target: string;
  readonly port: number;
  /** `X-Id` of every request that has arrived since the file was made, in the order of arrival, over all restarts. */
  arrivedIds(): Promise<string[]>;
}

const RECORDING_MAIN = fileURLToPath(new URL('http-recording-process.ts', import.meta.url));

export interface RecordingOptions {
  readonly name: string;
  /** Where its record lies. A backend that is started again goes on with its record. */
  readonly folder: string;
  readonly port?: number;
}

export async function startRecordingBackend(options: RecordingOptions): Promise<RecordingBackend> {
  const { name, folder, port = await freePort() } = options;
  const record = join(folder, `${name}.requests`);
  const started = startProcess(RECORDING_MAIN, [name, `${port}`, record]);
  await eventually(`${name} listens`, () => started.output().includes('listens'));
  return {
    process: started,
    name,
    port,
    target: `127.0.0.1:${port}`,
    arrivedIds: async () => (await readFile(record, 'utf8')).split('\n').filter((line) => line !== ''),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
