/**
 * Who holds a request's body for another attempt, and until when. A body of an idempotent request on a kept-alive connection is kept
 * until an answer begins; then it is given back, however long the answer streams, and nothing of it stays with connections that are
 * kept alive.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import {
  client,
  get,
  LAST_CHUNK,
  ok,
  type ScriptedBackend,
  scripted,
  type Talker,
} from '../../testing/http/scripted.ts';

const CLIENTS = 100;
const BODY_BYTES = 60_000;
/** A tenth of what all bodies together have: what the test itself and the sockets hold does not come near it. */
const LEFT_BYTES_MAX = (CLIENTS * BODY_BYTES) / 10;
const SWEEP_MS = 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in buffers that somebody refers to. What nobody refers to is given back by a thread of its own, a moment after a collection. */
async function heldBytes(): Promise<number> {
  let before = Infinity;
  for (;;) {
    collect();
    await sleep(SWEEP_MS);
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers >= before) return arrayBuffers;
    before = arrayBuffers;
  }
}

interface Conversation {
  readonly asking: Talker;
  readonly peer: Talker;
}

/** Each client has asked once, so that as many kept-alive connections to the backend are idle. */
async function acquainted(port: number, backend: ScriptedBackend): Promise<Conversation[]> {
  const asked = [];
  for (let count = 0; count < CLIENTS; count++) {
    const asking = client(port);
    asking.write(get());
    const peer = await backend.accepted();
    await peer.message();
    asked.push({ asking, peer });
  }
  for (const { asking, peer } of asked) {
    peer.write(ok('hi'));
    await asking.message();
  }
  return asked;
}

/** Sends a body on each connection, which the backend reads, and lets each answer begin. Gives what is held before and after that. */
async function send(method: string, conversations: readonly Conversation[]): Promise<{ asked: number; begun: number }> {
  const body = 'x'.repeat(BODY_BYTES);
  for (const { asking } of conversations) {
    asking.write(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY_BYTES}\r\n\r\n${body}`);
  }
  for (const { peer } of conversations) await peer.message();
  const asked = await heldBytes();
  for (const { peer } of conversations) peer.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
  for (const { asking } of conversations) await asking.takeTo('1\r\na\r\n');
  return { asked, begun: await heldBytes() };
}

/** Ends the answers. Gives what is held then. */
async function finish(conversations: readonly Conversation[]): Promise<number> {
  for (const { peer } of conversations) peer.write(LAST_CHUNK);
  for (const { asking } of conversations) await asking.takeTo(LAST_CHUNK);
  return heldBytes();
}

test('a body is held until its answer begins, and no longer', async () => {
  await using harness = new ProxyHarness();
  harness.pool({ maxIdleConnectionsPerBackend: CLIENTS });
  const backend = await scripted(harness);
  harness.register('a', backend.target);
  const conversations = await acquainted(await harness.listen({ protocol: 'http' }), backend);
  // What may not be sent twice is not kept, and is the same otherwise.
  const posted = await send('POST', conversations);
  const idle = await finish(conversations);
  const put = await send('PUT', conversations);
  expect(put.asked - posted.asked).toBeGreaterThan(CLIENTS * BODY_BYTES - LEFT_BYTES_MAX);
  expect(put.begun - posted.begun).toBeLessThan(LEFT_BYTES_MAX);
  expect((await finish(conversations)) - idle).toBeLessThan(LEFT_BYTES_MAX);
  for (const { asking } of conversations) asking.socket.destroy();
});
