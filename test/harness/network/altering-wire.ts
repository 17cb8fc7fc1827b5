/**
 * A stretch of network that changes what passes: a TCP forwarder in front of one server that can put one text in the place of
 * another of the same length, once. It is what a broken middlebox, or a bit that turned in memory, looks like to one node alone.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export interface AlteringWire extends AsyncDisposable {
  /** `HOST:PORT`. */
  readonly address: string;
  /** Of what comes from the server, the next piece that has `text` has `other` instead. Both are of one length. */
  alterNext(text: string, other: string): void;
  /** How often something was altered. */
  alteredCount(): number;
}

export async function startAlteringWire(target: {
  readonly host: string;
  readonly port: number;
}): Promise<AlteringWire> {
  let armed: { readonly text: string; readonly other: string } | null = null;
  let alteredCount = 0;
  const sockets = new Set<Socket>();
  const alter = (chunk: Buffer): Buffer => {
    const at = armed === null ? -1 : chunk.indexOf(armed.text);
    if (armed === null || at === -1) return chunk;
    const altered = Buffer.from(chunk);
    altered.write(armed.other, at);
    armed = null;
    alteredCount += 1;
    return altered;
  };
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ ...target, noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.pipe(new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, alter(chunk)) })).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    alterNext: (text, other) => {
      armed = { text, other };
    },
    alteredCount: () => alteredCount,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
