/** The relay that everybody writes first: `socket.pipe` both ways. What it costs is what the data plane saves. */
import { connect, createServer } from 'node:net';

const [port, backendPort] = process.argv.slice(2).map(Number);

createServer({ noDelay: true, allowHalfOpen: true }, (downstream) => {
  const upstream = connect({ port: backendPort!, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  downstream.pipe(upstream).pipe(downstream);
  downstream.on('error', () => upstream.destroy());
  upstream.on('error', () => downstream.destroy());
}).listen(port, '127.0.0.1', 4_096);
