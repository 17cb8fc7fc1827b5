/** fast-proxy behind a server of `node:http`, with its own keep-alive agent, which is its default. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';

/** The package comes without types. */
type FastProxy = (options: { readonly base: string }) => {
  proxy(request: IncomingMessage, answer: ServerResponse, source: string, options: object): void;
};

const require = createRequire(import.meta.url);
const fastProxy = require('fast-proxy') as FastProxy;

const [port, backendPort] = process.argv.slice(2).map(Number);
const { proxy } = fastProxy({ base: `http://127.0.0.1:${backendPort}` });

const server = createServer((request, answer) => proxy(request, answer, request.url!, {}));
server.keepAliveTimeout = 75_000;
server.listen(port, '127.0.0.1', 4_096);
