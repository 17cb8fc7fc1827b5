/**
 * A connection without sockets: the data plane holds one side of it, a simulated client or backend the other.
 *
 * Whatever the far side does arrives in a later turn of the event loop and in order, and not while the data plane has paused it.
 * Writes are taken whole. Reads are handed over in a buffer that is overwritten afterwards, as the real transport's is.
 */
import type { Transport } from '@muster/transport';

type DialOwner = Parameters<Transport['dial']>[1];
type Leg = Parameters<DialOwner['onConnected']>[0];
type LegOwner = NonNullable<Leg['owner']>;
type Taken = ReturnType<Leg['write']>;

const OVERWRITTEN = 0xaa;

/** The far side: told at once of what the data plane does. One character per byte. */
export interface FarSide {
  onWritten(text: string): void;
  /** The data plane will write no more. */
  onEnded(): void;
  onClosed(): void;
}

type Delivery = { readonly text: string } | 'end' | 'reset';

export class SimulatedLeg implements Leg {
  owner: LegOwner | null = null;
  isClosed = false;
  farSide: FarSide | null = null;
  readonly #deliveries: Delivery[] = [];
  #isReading = false;
  #isDue = false;

  start(): void {
    this.resume();
  }

  write(bytes: Uint8Array): Taken {
    return this.writeText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
  }

  writeText(text: string): Taken {
    if (!this.isClosed) this.farSide?.onWritten(text);
    return 'taken';
  }

  pause(): void {
    this.#isReading = false;
  }

  resume(): void {
    this.#isReading = true;
    this.#deliverSoon();
  }

  rest(): void {
    // It has no read buffer.
  }

  isPeerGone(): boolean {
    return false;
  }

  end(): void {
    if (!this.isClosed) this.farSide?.onEnded();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.farSide?.onClosed();
  }

  reset(): void {
    this.close();
  }

  peerAddress(): string {
    return '192.0.2.7';
  }

  /** The far side sends. */
  deliver(text: string): void {
    this.#deliver({ text });
  }

  /** The far side sends no more. */
  deliverEnd(): void {
    this.#deliver('end');
  }

  /** The far side is gone. */
  deliverReset(): void {
    this.#deliver('reset');
  }

  #deliver(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#isDue || !this.#isReading || this.#deliveries.length === 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isReading || this.isClosed) return;
      this.#tell(this.#deliveries.shift()!);
      this.#deliverSoon();
    });
  }

  #tell(delivery: Delivery): void {
    const owner = this.owner!;
    if (delivery === 'end') return owner.onEnd(this);
    if (delivery === 'reset') {
      this.isClosed = true;
      return owner.onReset(this);
    }
    const read = Buffer.from(delivery.text, 'latin1');
    owner.onBytes(this, read);
    read.fill(OVERWRITTEN);
  }
}
