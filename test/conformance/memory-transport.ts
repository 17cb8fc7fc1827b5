/**
 * A transport without sockets: the data plane runs as it is, and what would come from the kernel comes from a test, at once and in
 * the test's order. Two hundred thousand connections in a minute are out of reach of real ones.
 *
 * Reads are handed over in a buffer that is overwritten afterwards, as the real transport's is. Writes are always taken whole;
 * backpressure is tested with sockets.
 */
import type { Transport } from '@muster/transport';

type AcceptCallbacks = Parameters<Transport['listen']>[1];
type DialOwner = Parameters<Transport['dial']>[1];
type Leg = Parameters<DialOwner['onConnected']>[0];
type LegOwner = NonNullable<Leg['owner']>;
type Taken = ReturnType<Leg['write']>;

const OVERWRITTEN = 0xaa;

export class MemoryLeg implements Leg {
  owner: LegOwner | null = null;
  isPaused = false;
  isClosed = false;
  wasReset = false;
  /** Whether the data plane has said that it will write no more. */
  hasEnded = false;
  /** What the data plane wrote, one character per byte. */
  written = '';

  start(): void {
    // It reads whenever it is told to.
  }

  write(bytes: Uint8Array): Taken {
    this.written += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    return 'taken';
  }

  writeText(text: string): Taken {
    this.written += text;
    return 'taken';
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  rest(): void {
    // It has no read buffer.
  }

  end(): void {
    this.hasEnded = true;
  }

  close(): void {
    this.isClosed = true;
  }

  reset(): void {
    this.isClosed = true;
    this.wasReset = true;
  }

  peerAddress(): string {
    return '192.0.2.7';
  }

  /** The peer sends. */
  deliver(bytes: Uint8Array): void {
    if (this.isClosed) return;
    const read = Buffer.from(bytes);
    this.owner!.onBytes(this, read);
    read.fill(OVERWRITTEN);
  }

  deliverEnd(): void {
    if (!this.isClosed) this.owner!.onEnd(this);
  }

  deliverReset(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.owner!.onReset(this);
  }
}

export class MemoryTransport implements Transport {
  readonly name = 'socket';
  /** Connections to backends since they were forgotten, in the order of their dials. */
  readonly dialled: MemoryLeg[] = [];
  #accept: AcceptCallbacks | null = null;
  #due: (() => void)[] = [];

  listen(_handle: object, callbacks: AcceptCallbacks): ReturnType<Transport['listen']> {
    this.#accept = callbacks;
    return Promise.resolve({ ok: true, acceptor: { close: () => undefined, finish: (onClosed) => onClosed() } });
  }

  dial(_address: Parameters<Transport['dial']>[0], owner: DialOwner): ReturnType<Transport['dial']> {
    return this.later(() => {
      const leg = new MemoryLeg();
      this.dialled.push(leg);
      owner.onConnected(leg);
    });
  }

  /** The outcome of a dial, told with `settle` unless it is given up before. */
  later(tell: () => void): ReturnType<Transport['dial']> {
    let isGivenUp = false;
    this.#due.push(() => {
      if (!isGivenUp) tell();
    });
    return { close: () => void (isGivenUp = true) };
  }

  /** A client connects. */
  accept(): MemoryLeg {
    const leg = new MemoryLeg();
    this.#accept!.onAccepted(leg);
    return leg;
  }

  /** Whatever the data plane may only be told later is told now. */
  settle(): void {
    while (this.#due.length > 0) {
      const due = this.#due;
      this.#due = [];
      for (const tell of due) tell();
    }
  }
}
