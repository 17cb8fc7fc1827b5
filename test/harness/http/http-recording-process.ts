/**
 * A backend that appends the `X-Id` of each request to a file, at once and before it answers: the file holds what arrived, even
 * when the process is killed. Its answers take a few milliseconds, so that a kill finds requests under way.
 *
 *     node http-recording-process.ts NAME PORT FILE
 */
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

const ANSWER_DELAY_MS = 3;

const [name = '', port = '', file = ''] = process.argv.slice(2);
const record = openSync(file, 'a');

createServer({ keepAliveTimeout: 0, noDelay: true }, (request, response) => {
  if (request.url === '/healthz') return void response.end('ok\n');
  writeSync(record, `${String(request.headers['x-id'])}\n`);
  request.resume().on('end', () => {
    setTimeout(() => response.setHeader('X-Backend', name).end(`${name}\n`), ANSWER_DELAY_MS);
  });
}).listen(Number(port), '127.0.0.1', () => process.stdout.write(`${name} listens\n`));
