/**
 * A large beginning of a body is not copied while its backend is being dialled: it lies in the client's read buffer, so that the
 * client must not be read meanwhile, although all of its request is here. The transport is this test's own, because a socket would
 * overwrite the buffer only now and then.
 */
import { expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import {
  type AcceptCallbacks,
  type DialOwner,
  type Leg,
  type LegOwner,
  rawTransport,
  type Transport,
} from '@muster/transport';
import { ok } from '../../testing/http/scripted.ts';

const READ_BUFFER_BYTES = 65_536;

/** A leg whose reads all come in one buffer, as they do from a socket. */
class HeldLeg implements Leg {
  owner: LegOwner | null = null;
  isPaused = false;
  written = '';
  readonly #buffer = Buffer.alloc(READ_BUFFER_BYTES);

  deliver(text: string): void {
    if (this.isPaused) throw new Error('The leg is paused: nothing is read.');
    const length = this.#buffer.write(text, 'latin1');
    this.owner!.onBytes(this, this.#buffer.subarray(0, length));
  }

  start(): void {
    // It reads when it is told to.
  }

  write(bytes: Uint8Array): 'taken' {
    this.written += Buffer.from(bytes).toString('latin1');
    return 'taken';
  }

  writeText(text: string): 'taken' {
    this.written += text;
    return 'taken';
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  isPeerGone(): boolean {
    return false;
  }

  rest(): void {
    // There is nothing to give back.
  }

  end(): void {
    // Nobody waits for it.
  }

  close(): void {
    // Nothing is held.
  }

  reset(): void {
    // Nothing is held.
  }

  peerAddress(): string {
    return '192.0.2.7';
  }
}

test('a client is not read while a large beginning of its body lies in its read buffer', async () => {
  const dials: DialOwner[] = [];
  let accept: AcceptCallbacks | null = null;
  const transport: Transport = {
    ...rawTransport!,
    listen: (_handle, callbacks) => {
      accept = callbacks;
      return Promise.resolve({ ok: true, acceptor: { close: () => undefined, finish: (onClosed) => onClosed() } });
    },
    dial: (_address, owner) => {
      dials.push(owner);
      return { close: () => undefined };
    },
  };
  await using harness = new ProxyHarness({ transport });
  harness.pool();
  harness.register('a', '127.0.0.1:9');
  await harness.listen({ protocol: 'http' });
  const [client, backend] = [new HeldLeg(), new HeldLeg()];
  accept!.onAccepted(client);
  const body = Array.from({ length: 5_000 }, (_, index) => String(index).padStart(6)).join('');
  client.deliver(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  expect(client.isPaused).toBe(true);
  dials[0]!.onConnected(backend);
  expect(backend.written.slice(backend.written.indexOf('\r\n\r\n') + 4)).toBe(body);
  expect(client.isPaused).toBe(false);
  backend.deliver(ok('thanks'));
  expect(client.written).toContain('thanks');
});
