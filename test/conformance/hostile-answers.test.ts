/** What a hostile backend says is a 502 or a visible cut, and never a part of what the next client is told. */
import { describe, expect, test } from 'vitest';
import { HOSTILE_ANSWERS, type ClientGets, type HostileAnswer } from './hostile-answers.ts';
import { readAsNodeClient, type ReadAnswer } from './node-client-reading.ts';
import { RawClient, SocketProxy, type BackendConnection } from './socket-proxy.ts';

const FINE = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine';
const HEADS_END = '\r\n\r\n';

/** Its first connection is answered with what is hostile, the later ones with what is fine. */
const answeringFirst = (first: (connection: BackendConnection) => void) => (connection: BackendConnection) => {
  if (!connection.received.endsWith(HEADS_END)) return;
  if (connection.index === 0) first(connection);
  else connection.socket.write(FINE);
};

function play({ text, then }: HostileAnswer, { socket }: BackendConnection): void {
  socket.write(text, 'latin1', () => {
    if (then === 'end') socket.end();
    if (then === 'reset') socket.resetAndDestroy();
  });
}

async function askedOnce(proxy: SocketProxy, method: string): Promise<{ text: string; wasReset: boolean }> {
  const client = new RawClient(proxy.port);
  client.send(`${method} /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const text = await client.all();
  return { text, wasReset: client.wasReset };
}

/** What the client can make of it. */
function gotten(told: ReadAnswer, text: string, wasReset: boolean): ClientGets | { failure: string } {
  if (told.isComplete && told.status === 502 && text.includes('\r\nMuster-Reason: ')) return 'refused';
  if (wasReset || !told.isComplete) return 'cut';
  return told.failure === null ? { body: told.body } : { failure: told.failure };
}

async function mustBeFine(proxy: SocketProxy): Promise<void> {
  const next = new RawClient(proxy.port);
  next.send('GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const { status, body, isComplete } = await readAsNodeClient('GET', await next.all(), true);
  expect({ status, body, isComplete }).toEqual({ status: 200, body: 'fine', isComplete: true });
}

describe('a hostile answer', () => {
  test.each(HOSTILE_ANSWERS)('$name ($section)', async (answer) => {
    await using proxy = await new SocketProxy(answeringFirst((connection) => play(answer, connection))).open();
    const { text, wasReset } = await askedOnce(proxy, answer.method);
    const told = await readAsNodeClient(answer.method, text, true);
    expect(gotten(told, text, wasReset)).toEqual(answer.clientGets);
    expect(text).not.toContain('Set-Cookie');
    await mustBeFine(proxy);
    expect(proxy.connections[0]!.received).not.toContain('/next');
    expect(proxy.connections[0]!.received.match(/\/first/g)).toHaveLength(1);
  });
});

test('a chunk that goes wrong after the head was passed on is a visible cut', async () => {
  const first = async ({ socket }: BackendConnection, client: RawClient) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await client.until((text) => text.includes('hello'));
    socket.write('oops\r\n');
  };
  let client: RawClient | null = null;
  await using proxy = await new SocketProxy(answeringFirst((connection) => void first(connection, client!))).open();
  client = new RawClient(proxy.port);
  client.send('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  const { status, isComplete } = await readAsNodeClient('GET', await client.all(), true);
  expect({ status, isComplete }).toEqual({ status: 200, isComplete: false });
  await mustBeFine(proxy);
  expect(proxy.connections[0]!.received).not.toContain('/next');
});

test('what a backend says on an idle connection is nobody’s answer', async () => {
  await using proxy = await new SocketProxy(answeringFirst(({ socket }) => void socket.write(FINE))).open();
  const client = new RawClient(proxy.port);
  client.send('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until((text) => text.endsWith('fine'));
  const { socket } = proxy.connections[0]!;
  const closed = new Promise((resolve) => socket.once('end', resolve));
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged');
  await closed;
  await mustBeFine(proxy);
  expect(proxy.connections).toHaveLength(2);
});

test('an answer before its request is that request’s alone, or none', async () => {
  const says = ({ index, socket }: BackendConnection) => {
    if (index === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly');
  };
  const answersLater = answeringFirst(
    ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'),
  );
  await using proxy = await new SocketProxy(answersLater, says).open();
  const { status, body } = await readAsNodeClient('GET', (await askedOnce(proxy, 'GET')).text, true);
  expect(status === 502 || body === 'early').toBe(true);
  // What it says to the request itself comes while nobody waits for it.
  await mustBeFine(proxy);
  expect(proxy.connections[0]!.received).not.toContain('/next');
});
