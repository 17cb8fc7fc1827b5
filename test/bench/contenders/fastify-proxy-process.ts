/**
 * `@fastify/http-proxy` on fastify without a log; its way upstream is undici, which is its default.
 *
 * One thing is not: left alone it hands the backend's `Connection: keep-alive` to a client that asked for `close`, and
 * then closes. Such a client's next request fails, so the field is taken off, with the hook that the package has for it.
 */
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';

const [port, backendPort] = process.argv.slice(2).map(Number);
const app = fastify({ logger: false, keepAliveTimeout: 75_000 });
await app.register(httpProxy, {
  upstream: `http://127.0.0.1:${backendPort}`,
  replyOptions: {
    rewriteHeaders: (headers) => {
      delete headers['connection'];
      return headers;
    },
  },
});
await app.listen({ port: port!, host: '127.0.0.1', backlog: 4_096 });
