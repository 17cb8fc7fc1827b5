/**
 * What the tests of the HTTP data plane share: a client and backends that say exactly what a test lets them say, byte for byte.
 *
 *     const backend = await scripted(harness);
 *     client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
 *     const peer = await backend.accepted();
 *     expect(await peer.message()).toBe(…);
 *     peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi');
 *     expect(await client.message()).toBe(…);
 *
 * They parse no more than where a message ends, and only well-formed ones.
 */
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import type { ProxyHarness } from '../proxy-harness.ts';

const PIECE = 'x'.repeat(65_536);
export const LAST_CHUNK = '0\r\n\r\n';

/** One end of a connection, with what has come on it and was not taken yet, one character per byte. */
export class Talker {
  readonly socket: Socket;
  text = '';
  /** The other side sends no more, or the connection is gone. */
  hasEnded = false;
  wasReset = false;
  #onChange = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.text += bytes.toString('latin1');
      this.#changed();
    });
    socket.on('error', () => {
      this.wasReset = true;
      socket.destroy();
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.hasEnded = true;
        this.#changed();
      });
    }
  }

  write(text: string | Uint8Array): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
  }

  /** Never stops sending: whatever the kernel's buffers hold on the way, they are full at some time. */
  pour(): void {
    const fill = () => {
      while (this.socket.write(PIECE));
    };
    this.socket.on('drain', fill);
    fill();
  }

  /**
   * Sends chunks of a body until nobody takes more of them, however much the kernel's buffers hold. The last chunk is the test's to
   * send, as `LAST_CHUNK`. Returns how many bytes of data were sent.
   */
  async stuff(): Promise<number> {
    const { socket } = this;
    let dataBytes = 0;
    let heldBytes = 0;
    do {
      if (socket.writableLength === 0) {
        this.write(`${PIECE.length.toString(16)}\r\n${PIECE}\r\n`);
        dataBytes += PIECE.length;
      }
      heldBytes = socket.writableLength;
      await turn();
    } while (heldBytes === 0 || socket.writableLength < heldBytes);
    return dataBytes;
  }

  /** Waits until `length` characters have come, or the other side ended, and takes them. */
  async take(length: number): Promise<string> {
    while (this.text.length < length && !this.hasEnded) await this.change();
    const taken = this.text.slice(0, length);
    this.text = this.text.slice(length);
    return taken;
  }

  /** Takes what comes up to and with `mark`. */
  async takeTo(mark: string): Promise<string> {
    let index = this.text.indexOf(mark);
    while (index < 0 && !this.hasEnded) {
      const searchedTo = Math.max(0, this.text.length - mark.length);
      await this.change();
      index = this.text.indexOf(mark, searchedTo);
    }
    return this.take(index < 0 ? this.text.length : index + mark.length);
  }

  /** The next message: its head, and its body where it has a length or chunks. An answer to HEAD needs `isHead`. */
  async message(isHead = false): Promise<string> {
    const head = await this.takeTo('\r\n\r\n');
    if (isHead || /^HTTP\/1.1 (1..|204|304) /.test(head)) return head;
    if (/^Transfer-Encoding: chunked/im.test(head)) return head + (await this.takeTo('0\r\n\r\n'));
    return head + (await this.take(Number(/^Content-Length: (\d+)/im.exec(head)?.[1] ?? 0)));
  }

  /** All that comes until the other side ends. */
  async rest(): Promise<string> {
    while (!this.hasEnded) await this.change();
    return this.take(this.text.length);
  }

  change(): Promise<void> {
    return this.#onChange.promise;
  }

  #changed(): void {
    this.#onChange.resolve();
    this.#onChange = Promise.withResolvers();
  }
}

export class ScriptedBackend {
  target = '';
  readonly peers: Talker[] = [];
  #taken = 0;
  #onPeer = Promise.withResolvers<void>();

  /** The next connection that nobody has asked for yet. */
  async accepted(): Promise<Talker> {
    while (this.peers.length === this.#taken) await this.#onPeer.promise;
    return this.peers[this.#taken++]!;
  }

  add(peer: Talker): void {
    this.peers.push(peer);
    this.#onPeer.resolve();
    this.#onPeer = Promise.withResolvers();
  }
}

/** A backend whose connections a test talks on. */
export async function scripted(harness: ProxyHarness): Promise<ScriptedBackend> {
  const backend = new ScriptedBackend();
  const server = await harness.backend((socket) => backend.add(new Talker(socket)));
  backend.target = server.target;
  return backend;
}

/** A backend that answers each request with what `answer` makes of it; null: it says nothing. */
export async function answering(
  harness: ProxyHarness,
  answer: (request: string, peer: Talker) => string | null,
): Promise<ScriptedBackend> {
  const backend = new ScriptedBackend();
  const serve = async (peer: Talker): Promise<void> => {
    for (let request = await peer.message(); request !== ''; request = await peer.message()) {
      const text = answer(request, peer);
      if (text !== null) peer.write(text);
    }
    peer.socket.end();
  };
  const server = await harness.backend((socket) => {
    const peer = new Talker(socket);
    backend.add(peer);
    void serve(peer);
  });
  backend.target = server.target;
  return backend;
}

/** A complete answer with a length. */
export function ok(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export function get(path = '/', fields = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
}

export function post(body: string, fields = ''): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export function client(port: number): Talker {
  return new Talker(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
}

export function statusOf(answer: string): number {
  return Number(answer.slice(9, 12));
}

export function bodyOf(message: string): string {
  return message.slice(message.indexOf('\r\n\r\n') + 4);
}

/** How many bytes of data the chunks of a message hold. */
export function chunkedBytes(message: string): number {
  let dataBytes = 0;
  for (let at = message.indexOf('\r\n\r\n') + 4; ;) {
    const lineEnd = message.indexOf('\r\n', at);
    const size = Number.parseInt(message.slice(at, lineEnd), 16);
    if (!(size > 0)) return dataBytes;
    dataBytes += size;
    at = lineEnd + 2 + size + 2;
  }
}

/** The values of a field, one per line that has it. */
export function valuesOf(message: string, name: string): string[] {
  const head = message.slice(0, message.indexOf('\r\n\r\n'));
  const lines = head.split('\r\n').filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return lines.map((line) => line.slice(name.length + 1).trim());
}

/** One request on a connection of its own; the whole answer. */
export async function ask(port: number, request = get()): Promise<string> {
  const asking = client(port);
  asking.write(request);
  const answer = await asking.message(request.startsWith('HEAD'));
  asking.socket.destroy();
  return answer;
}

/** Everything that was written before has been read by whoever reads: two turns of the event loop. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 2; count++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits turn by turn until it is so. The test's own deadline is the limit. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

/** Of the pool p. */
export function gauges(harness: ProxyHarness) {
  return harness.proxy.stats().pools['p']!.now;
}

/** Nothing is under way: no request, nobody in a line, no connection but kept-alive ones, and no client. */
export async function expectNothingUnderWay(harness: ProxyHarness): Promise<void> {
  await until(() => harness.proxy.stats().total.open === 0);
  const { requestsInFlight, requestsWaiting, connectionsOpen, connectionsIdle } = gauges(harness);
  expect({ requestsInFlight, requestsWaiting }).toEqual({ requestsInFlight: 0, requestsWaiting: 0 });
  expect(connectionsOpen).toBe(connectionsIdle);
}
