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
