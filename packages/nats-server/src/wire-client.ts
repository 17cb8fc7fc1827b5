/**
 * Just enough of the NATS protocol to ask a server one question, for this package's tests: no client library may stand between
 * them and the server.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const ANSWER_TIMEOUT_MS = 5000;

/** Publishes with a reply subject and returns the first answer as text; rejects where none comes. */
export async function request(port: number, subject: string, payload: object | string): Promise<string> {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const socket = connect({ host: '127.0.0.1', port });
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
  const inbox = `answer.${randomUUID()}`;
  const lines = createInterface(socket)[Symbol.asyncIterator]();
  try {
    await once(socket, 'connect');
    socket.write(`CONNECT {"verbose":false}\r\nSUB ${inbox} 1\r\n`);
    socket.write(`PUB ${subject} ${inbox} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      if (line.value.startsWith('MSG ')) return (await lines.next()).value as string;
      if (line.value.startsWith('-ERR')) throw new Error(line.value);
    }
    throw new Error('no answer');
  } finally {
    socket.destroy();
  }
}
