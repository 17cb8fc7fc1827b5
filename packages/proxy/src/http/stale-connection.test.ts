/** A GET whose kept-alive connection had ended is sent again: to another backend where there is one, for this one may be dying. */
import { expect, test } from 'vitest';
import { Client, ProxyHarness } from '../../testing/proxy-harness.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** Answers the first request of every connection with its name, and ends with the second. */
async function forgetful(harness: ProxyHarness, name: string): Promise<string> {
  const backend = await harness.backend((socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
      socket.once('data', () => socket.destroy());
    });
  });
  return backend.target;
}

async function ask(client: Client): Promise<string> {
  client.socket.write(GET);
  let answer = '';
  while (!/\r\n\r\n.{3}$/.test(answer)) answer += await client.read(1);
  return answer.slice(-3);
}

test('to another backend where there is one', async () => {
  await using harness = new ProxyHarness();
  harness.pool();
  harness.register('b-1', await forgetful(harness, 'b-1'));
  harness.register('b-2', await forgetful(harness, 'b-2'));
  const client = new Client(await harness.listen({ protocol: 'http' }));
  const first = await ask(client);
  const second = await ask(client);
  expect(new Set([first, second])).toEqual(new Set(['b-1', 'b-2']));
  // It is the first one's turn, on whose connection nothing can be had any more.
  expect(await ask(client)).toBe(second);
  client.socket.destroy();
});

test('to the same one where there is no other', async () => {
  await using harness = new ProxyHarness();
  harness.pool();
  harness.register('b-1', await forgetful(harness, 'b-1'));
  const client = new Client(await harness.listen({ protocol: 'http' }));
  expect(await ask(client)).toBe('b-1');
  expect(await ask(client)).toBe('b-1');
  client.socket.destroy();
});
