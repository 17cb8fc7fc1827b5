/**
 * The HTTP proxy that everybody writes first: a server of `node:http`, an `Agent` that keeps its connections, and the two
 * streams of an exchange piped into each other. What it costs is what the project's own message layer saves; so it does the
 * least that such a proxy may, and nothing that costs more than it has to.
 */
import { Agent, createServer, request } from 'node:http';

const [port, backendPort] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true });

const server = createServer((incoming, answer) => {
  const { method, url: path, headers, socket } = incoming;
  const earlier = headers['x-forwarded-for'];
  const client = socket.remoteAddress ?? 'unknown';
  headers['x-forwarded-for'] = earlier === undefined ? client : `${String(earlier)}, ${client}`;
  headers.connection = 'keep-alive';
  const outgoing = request({ agent, host: '127.0.0.1', port: backendPort, method, path, headers }, (upstream) => {
    // What the backend says of its own connection is not for the client.
    delete upstream.headers.connection;
    answer.writeHead(upstream.statusCode!, upstream.headers);
    upstream.pipe(answer);
  });
  outgoing.on('error', () => {
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(502).end();
  });
  answer.on('close', () => {
    if (!answer.writableFinished) outgoing.destroy();
  });
  incoming.pipe(outgoing);
});
server.keepAliveTimeout = 75_000;
server.listen(port, '127.0.0.1', 4_096);
