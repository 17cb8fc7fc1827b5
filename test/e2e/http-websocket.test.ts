/** WebSockets through a real node, between a real client and a real server: what is said, how it ends, and who ends it. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startNamedHttp, type HttpBackend } from '../harness/http/http-backend.ts';
import type { Address } from '../harness/http/http-client.ts';
import { startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const IDLE_TIMEOUT_MS = 1_000;
const LARGE_BYTES = 8 * 1_048_576;

const all = new AsyncDisposableStack();
let node: TestNode;
let backend: HttpBackend;
let server: WebSocketServer;
let front: Address;

beforeAll(async () => {
  const folder = all.use(await testFolder());
  backend = all.use(await startNamedHttp('b'));
  const { server: http } = backend;
  const handleProtocols = () => 'spells.v1';
  server = new WebSocketServer({ server: http, path: '/live', maxPayload: LARGE_BYTES, handleProtocols });
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer, isBinary) => {
      if (data.toString() === 'end') socket.close(4_002, 'as you wish');
      else socket.send(data, { binary: isBinary });
    });
  });
  node = all.use(
    await startTestNode({
      folder,
      workers: 2,
      config: `
[[pools]]
id = "p"
backends = [{ id = "b-1", target = "${backend.target}" }]
[[listeners]]
id = "front"
bind = "127.0.0.1:0"
protocol = "http"
pool = "p"
[[listeners]]
id = "impatient"
bind = "127.0.0.1:0"
protocol = "http"
pool = "p"
idleTimeoutMs = ${IDLE_TIMEOUT_MS}`,
    }),
  );
  front = await node.address('front');
});
afterAll(async () => {
  for (const client of server.clients) client.terminate();
  await all.disposeAsync();
});

async function open({ host, port }: Address): Promise<WebSocket & Disposable> {
  const socket = new WebSocket(`ws://${host}:${port}/live?room=1`, ['spells.v1'], { perMessageDeflate: false });
  await once(socket, 'open');
  return Object.assign(socket, { [Symbol.dispose]: () => socket.terminate() });
}

const nextMessage = async (socket: WebSocket) => {
  const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  return { data, isBinary };
};

test('text, binary and pings go both ways', async () => {
  using socket = await open(front);
  expect(socket.protocol).toBe('spells.v1');
  for (let index = 0; index < 20; index++) {
    socket.send(`spell ${index}`);
    expect((await nextMessage(socket)).data.toString()).toBe(`spell ${index}`);
  }
  socket.ping('are you there');
  const [pong] = (await once(socket, 'pong')) as [Buffer];
  expect(pong.toString()).toBe('are you there');
  const [peer] = server.clients;
  peer!.ping('and you');
  const [answered] = (await once(peer!, 'pong')) as [Buffer];
  expect(answered.toString()).toBe('and you');
});

test('frames of eight megabytes arrive whole', async () => {
  using socket = await open(front);
  const sent = Buffer.alloc(LARGE_BYTES, 'a magic word, ');
  socket.send(sent);
  const { data, isBinary } = await nextMessage(socket);
  expect(isBinary).toBe(true);
  expect(data.equals(sent)).toBe(true);
});

test('close codes and reasons arrive, whichever side closes', async () => {
  using socket = await open(front);
  const [peer] = [...server.clients].slice(-1);
  const heard = once(peer!, 'close');
  socket.close(4_001, 'enough');
  const [code, reason] = (await heard) as [number, Buffer];
  expect([code, reason.toString()]).toEqual([4_001, 'enough']);

  using other = await open(front);
  other.send('end');
  const [endCode, endReason] = (await once(other, 'close')) as [number, Buffer];
  expect([endCode, endReason.toString()]).toEqual([4_002, 'as you wish']);
});

test('a backend that does not switch protocols is heard out, and its refusal passed on', async () => {
  const socket = new WebSocket(`ws://${front.host}:${front.port}/elsewhere`);
  const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
  expect(answer.statusCode).toBe(400);
  socket.on('error', () => undefined).terminate();
});

test('a silent tunnel is closed after its idle timeout; one that pings is not', async () => {
  const address = await node.address('impatient');
  using silent = await open(address);
  using pinging = await open(address);
  let pongsCount = 0;
  const beat = setInterval(() => pinging.ping(), IDLE_TIMEOUT_MS / 4);
  pinging.on('pong', () => pongsCount++);
  const openedMs = performance.now();
  const [code] = (await once(silent, 'close')) as [number];
  expect(code).toBe(1_006);
  expect(performance.now() - openedMs).toBeGreaterThan(IDLE_TIMEOUT_MS * 0.9);
  const soFar = pongsCount;
  await eventually('more pings are answered than the timeout holds', () => pongsCount > soFar + 5);
  expect(pinging.readyState).toBe(WebSocket.OPEN);
  clearInterval(beat);
});

test('a drained backend keeps its tunnels, and its removal closes them at once', async () => {
  const sockets = await Promise.all(Array.from({ length: 20 }, () => open(front)));
  await node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' });
  for (const socket of sockets) {
    socket.send('still here');
    expect((await nextMessage(socket)).data.toString()).toBe('still here');
  }
  const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
  await node.command({ type: 'DeregisterBackend', pool: 'p', backend: 'b-1' });
  const codes = (await closed).map(([code]) => code as number);
  expect(new Set(codes)).toEqual(new Set([1_006]));
});
