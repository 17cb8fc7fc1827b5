/** httpxy behind a server of `node:http`, with its own shared keep-alive agent, which is its default. */
import { createServer } from 'node:http';
import { createProxyServer } from 'httpxy';

const [port, backendPort] = process.argv.slice(2).map(Number);
const proxy = createProxyServer({ target: `http://127.0.0.1:${backendPort}`, xfwd: true });

const server = createServer((request, answer) => {
  proxy.web(request, answer).catch(() => {
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(502).end();
  });
});
server.keepAliveTimeout = 75_000;
server.listen(port, '127.0.0.1', 4_096);
