/**
 * Legs on public `net.Socket`s: the fall-back where the event loop's handles are not as `raw-transport.ts` knows them.
 * The same contract, at about twice the CPU (`docs/benchmarks.md`).
 */
import type { Address } from '@muster/membership';
import { connect, createServer, type Socket } from 'node:net';
import { FinishingAcceptor } from './finishing-acceptor.ts';
import { LISTEN_BACKLOG, TCP_KEEP_ALIVE_S, type AcceptCallbacks, type Leg, type LegOwner } from './leg.ts';
import type { Dial, DialOwner, ListenOutcome, SocketHandle, Transport, WriteOutcome } from './leg.ts';

export const socketTransport: Transport = { name: 'socket', listen, dial };

const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEP_ALIVE_S * 1_000,
} as const;

class SocketLeg implements Leg {
  owner: LegOwner | null = null;
  readonly #socket: Socket;
  #isClosed = false;
  #isPaused = false;
  #hasEnded = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {
      if (!this.#isClosed) this.owner?.onReset(this);
    });
  }

  start(): void {
    const socket = this.#socket;
    socket.on('data', (bytes: Buffer) => {
      if (!this.#isClosed) this.owner!.onBytes(this, bytes);
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      if (!this.#isPaused) this.#tellEnd();
    });
    socket.resume();
  }

  write(bytes: Uint8Array): WriteOutcome {
    return this.#write((done) => this.#socket.write(bytes, done));
  }

  writeText(text: string): WriteOutcome {
    return this.#write((done) => this.#socket.write(text, 'latin1', done));
  }

  #write(hand: (done: (error?: Error | null) => void) => void): WriteOutcome {
    if (!this.#socket.writable) return 'failed';
    let isPending = false;
    hand((error) => {
      if (!isPending || this.#isClosed) return;
      if (error === null || error === undefined) this.owner!.onDrained(this);
      else this.owner!.onWriteFailed(this);
    });
    isPending = this.#socket.writableLength > 0;
    return isPending ? 'pending' : 'taken';
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** A socket may report its end while it is paused; here the end waits for the bytes before it to be taken. */
  resume(): void {
    this.#isPaused = false;
    if (this.#hasEnded) this.#tellEnd();
    else this.#socket.resume();
  }

  /** A socket has no read buffer of its own. */
  rest(): void {}

  end(): void {
    this.#socket.end();
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  reset(): void {
    this.#isClosed = true;
    this.#socket.resetAndDestroy();
  }

  peerAddress(): string | null {
    return this.#socket.remoteAddress ?? null;
  }

  #tellEnd(): void {
    if (!this.#isClosed) this.owner!.onEnd(this);
  }
}

function dial(address: Address, owner: DialOwner): Dial {
  const socket =
    address.kind === 'unix'
      ? connect({ path: address.path, allowHalfOpen: true })
      : connect({ host: address.host, port: address.port, ...SOCKET_OPTIONS });
  const onError = (error: NodeJS.ErrnoException) => owner.onConnectFailed(error.code ?? 'UNKNOWN');
  socket.once('error', onError);
  socket.once('connect', () => {
    const leg = new SocketLeg(socket);
    socket.off('error', onError);
    owner.onConnected(leg);
  });
  return {
    close() {
      socket.removeAllListeners().on('error', () => undefined);
      socket.destroy();
    },
  };
}

function listen(handle: SocketHandle, callbacks: AcceptCallbacks): Promise<ListenOutcome> {
  const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true }, (socket) => {
    acceptor.accepted();
    callbacks.onAccepted(new SocketLeg(socket));
  });
  const acceptor = new FinishingAcceptor(() => server.close());
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve({ ok: false, code: error.code ?? 'UNKNOWN' }));
    server.listen(handle, LISTEN_BACKLOG, () => {
      server.on('error', (error: NodeJS.ErrnoException) => callbacks.onAcceptFailed(error.code ?? 'UNKNOWN'));
      resolve({ ok: true, acceptor });
    });
  });
}
