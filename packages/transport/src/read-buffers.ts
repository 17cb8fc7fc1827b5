/**
 * Read buffers: each reading leg owns one, small at first, large while it moves bulk.
 *
 * A buffer of its own is what makes zero copy safe: a write that is still pending refers to the memory it was given,
 * and no other connection can read into it meanwhile. (One buffer shared by all sockets needs less memory, and
 * corrupts data as soon as a peer is slow.) So the rule is kept here, and not by who reads or writes: a buffer that its leg gave
 * up is free only when every write that refers to it is done, on whatever leg.
 *
 *     leg X reads into ──────────────► giveBack() ──┐
 *        │ the same bytes                            ├─ both: free, the next leg may have it
 *     leg Y writes, pending ─► writeBegan() ─► writeDone() ──┘
 *
 * A write that was taken at once costs nothing of this; one that is pending costs a look-up.
 *
 * Limits: kept-for-reuse buffers are bounded per size; large ones are bounded altogether, and a leg that gets none
 * goes on with its small one, slower but correct. A leg that is quiet must not keep bulk from the others: where none is left, one
 * that has not read since it was last looked at yields its own (second chance: F. J. Corbató, A Paging Experiment with the
 * Multics System, 1968), and a leg that rests while more than half are in use gives its own back.
 */

/** Holds a usual request or response. 32,768 connections cost at most 256 MiB of it. */
const SMALL_BUFFER_BYTES = 4 * 1_024;
/**
 * CPU for 1 MiB bodies, by size, against this one (median of 6 interleaved rounds): 16 KiB 1.58×, 32 KiB 1.25×,
 * 128 KiB 0.92×, 256 KiB 0.82×. Larger ones gain less than their memory costs, and let one connection hold up the others.
 */
const LARGE_BUFFER_BYTES = 64 * 1_024;

const KEPT_SMALL_MAX = 1_024;
const LARGE_MAX_DEFAULT = 1_024;
/** Legs that are looked at for one that wants a large buffer while there is none. */
const LOOKS_MAX = 8;

/** Who reads into a large buffer. */
export interface LargeHolder {
  /** Whether it has read since it was last looked at. */
  hasReadLately: boolean;
  /** Gives its large buffer back, if it can do without. */
  yieldLarge(): void;
}

export interface ReadBuffersOptions {
  /** Large buffers in use at most. Default 1,024, which are 64 MiB. */
  readonly largeMax?: number;
  /** Told of each buffer that another leg may have from now on. Default: nobody. */
  readonly onFree?: (bytes: Buffer) => void;
}

/** One buffer, with who still needs it. */
export class ReadBuffer {
  readonly bytes: Buffer;
  readonly isLarge: boolean;
  readonly #onFree: (buffer: ReadBuffer) => void;
  /** Writes that are pending, on whatever leg, and refer to it. */
  #writesCount = 0;
  #hasReader = true;
  #view: Buffer | null = null;

  constructor(bytes: Buffer, onFree: (buffer: ReadBuffer) => void) {
    this.bytes = bytes;
    this.isLarge = bytes.length === LARGE_BUFFER_BYTES;
    this.#onFree = onFree;
    bufferOf.set(bytes.buffer, this);
  }

  /** Nothing may be read into it meanwhile. */
  get isBeingWritten(): boolean {
    return this.#writesCount > 0;
  }

  /** A view of its first bytes, the last one where it fits: traffic repeats its sizes, and a view costs more than the comparison. */
  first(byteCount: number): Buffer {
    if (this.#view?.byteLength !== byteCount) this.#view = this.bytes.subarray(0, byteCount);
    return this.#view;
  }

  /** A leg reads into it from now on. */
  taken(): this {
    this.#hasReader = true;
    return this;
  }

  /** Its leg must not touch it again. */
  giveBack(): void {
    this.#hasReader = false;
    if (this.#writesCount === 0) this.#onFree(this);
  }

  writeBegan(): this {
    this.#writesCount++;
    return this;
  }

  writeDone(): void {
    this.#writesCount--;
    if (this.#writesCount === 0 && !this.#hasReader) this.#onFree(this);
  }
}

const bufferOf = new WeakMap<ArrayBufferLike, ReadBuffer>();

/** A write of `bytes` is pending: the read buffer that they lie in, whose `writeDone` is to be called; null for other memory. */
export function writeBegan(bytes: Uint8Array): ReadBuffer | null {
  return bufferOf.get(bytes.buffer)?.writeBegan() ?? null;
}

export class ReadBuffers {
  readonly #largeMax: number;
  readonly #onFree: ((bytes: Buffer) => void) | undefined;
  readonly #keptSmall: ReadBuffer[] = [];
  readonly #keptLarge: ReadBuffer[] = [];
  /** In the order in which they are looked at. */
  readonly #largeHolders = new Set<LargeHolder>();
  #largeInUseCount = 0;

  constructor({ largeMax = LARGE_MAX_DEFAULT, onFree }: ReadBuffersOptions = {}) {
    this.#largeMax = largeMax;
    this.#onFree = onFree;
  }

  /** How many large buffers a leg reads into or a pending write still refers to. */
  get largeInUseCount(): number {
    return this.#largeInUseCount;
  }

  /** Whether a leg that rests has to give a large buffer back. */
  get areLargeScarce(): boolean {
    return this.#largeInUseCount > this.#largeMax >> 1;
  }

  takeSmall(): ReadBuffer {
    return this.#keptSmall.pop()?.taken() ?? this.#make(SMALL_BUFFER_BYTES);
  }

  /** Null while all are in use, by legs that are not quiet. */
  takeLarge(holder: LargeHolder): ReadBuffer | null {
    if (this.#largeInUseCount === this.#largeMax) this.#lookForQuiet();
    if (this.#largeInUseCount === this.#largeMax) return null;
    this.#largeInUseCount++;
    this.#largeHolders.add(holder);
    return this.#keptLarge.pop()?.taken() ?? this.#make(LARGE_BUFFER_BYTES);
  }

  /** To be told with the large buffer that a leg gives back. */
  holdsNoLarge(holder: LargeHolder): void {
    this.#largeHolders.delete(holder);
  }

  #lookForQuiet(): void {
    let looksLeft = Math.min(LOOKS_MAX, this.#largeHolders.size);
    for (const holder of this.#largeHolders) {
      if (looksLeft-- === 0 || this.#largeInUseCount < this.#largeMax) return;
      this.#largeHolders.delete(holder);
      this.#largeHolders.add(holder);
      if (holder.hasReadLately) holder.hasReadLately = false;
      else holder.yieldLarge();
    }
  }

  #make(byteCount: number): ReadBuffer {
    return new ReadBuffer(Buffer.allocUnsafeSlow(byteCount), this.#free);
  }

  /** Used again last in, first out, so that the hot ones are in the cache. */
  readonly #free = (buffer: ReadBuffer): void => {
    this.#onFree?.(buffer.bytes);
    if (buffer.isLarge) {
      this.#largeInUseCount--;
      this.#keptLarge.push(buffer);
    } else if (this.#keptSmall.length < KEPT_SMALL_MAX) this.#keptSmall.push(buffer);
  };
}

/**
 * Bytes as text, one character each: how message heads are read. No copy of the bytes is kept.
 *
 * `latin1Slice` is what `toString('latin1')` calls after it has looked at its arguments, which for a head of a hundred bytes takes
 * as long as the rest. Node does not document it; where it is missing, the public method does the work.
 */
type Slice = (this: Buffer, start: number, end: number) => string;

const { latin1Slice } = Buffer.prototype as { latin1Slice?: Slice };
const slice: Slice =
  latin1Slice ??
  function (start, end) {
    return this.toString('latin1', start, end);
  };

/** The first `maxBytes` of `bytes`, or all. */
export function textOf(bytes: Buffer, maxBytes = bytes.length): string {
  return slice.call(bytes, 0, Math.min(maxBytes, bytes.length));
}
