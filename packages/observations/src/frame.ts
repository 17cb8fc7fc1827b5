/**
 * The frame: how a segment file is cut into pieces that stand for themselves.
 *
 *     byte  0  "MOB1"                                 16  earliest time, float 64
 *           4  bytes of the payload, uint 32          24  latest time, float 64
 *           8  CRC-32 of all that follows             32  payload: JSON, compressed with zstd
 *          12  kinds, a bit each; 0: names                All numbers are little-endian.
 *
 * A process that is killed leaves half a frame at the end of its file, and a disk may hand back what was never written. So every
 * frame is checked, and reading goes on at the next one that is whole.
 *
 * What the payload says is not known here.
 */
import { crc32 } from 'node:zlib';

/** Everything but the payload, which is compressed. */
interface FrameHead {
  /** A bit for each kind of observation in it; 0 for a frame of names. */
  readonly kindBits: number;
  /** Inclusive, ms since 1970. Those of a frame of names are of the frame that needs them. */
  readonly fromMs: number;
  /** Inclusive. */
  readonly toMs: number;
}

export interface Frame extends FrameHead {
  readonly payload: Buffer;
}

/** Bytes of a file that are no frame. */
export interface FrameDamage {
  readonly atByte: number;
  readonly bytes: number;
  /** `torn`: the file ends in the middle of a frame, as it does while one is written and after its writer was killed. */
  readonly reason: 'torn' | 'damaged' | 'other-format';
}

export type FramePart = { readonly kind: 'frame'; readonly frame: Frame } | ({ readonly kind: 'damage' } & FrameDamage);

const MAGIC = Buffer.from('MOB1', 'latin1');
const HEAD_BYTES = 32;
/** Where the checked part begins. */
const CHECKED_FROM = 12;

export function encodeFrame({ kindBits, fromMs, toMs, payload }: Frame): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(payload.length, 4);
  bytes.writeUInt32LE(kindBits, 12);
  bytes.writeDoubleLE(fromMs, 16);
  bytes.writeDoubleLE(toMs, 24);
  payload.copy(bytes, HEAD_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(CHECKED_FROM)), 8);
  return bytes;
}

/** Every whole frame in a file's bytes, in order, and what lies between them. Payloads are views of `bytes`. */
export function* framesIn(bytes: Buffer): Generator<FramePart> {
  let at = 0;
  while (at < bytes.length) {
    const frame = frameAt(bytes, at);
    if (frame !== null) {
      yield { kind: 'frame', frame };
      at += HEAD_BYTES + frame.payload.length;
      continue;
    }
    const next = nextFrameAfter(bytes, at);
    yield { kind: 'damage', atByte: at, bytes: next - at, reason: damageAt(bytes, at) };
    at = next;
  }
}

function frameAt(bytes: Buffer, at: number): Frame | null {
  if (bytes.length - at < HEAD_BYTES || MAGIC.compare(bytes, at, at + MAGIC.length) !== 0) return null;
  const end = at + HEAD_BYTES + bytes.readUInt32LE(at + 4);
  if (end > bytes.length || crc32(bytes.subarray(at + CHECKED_FROM, end)) !== bytes.readUInt32LE(at + 8)) return null;
  return {
    kindBits: bytes.readUInt32LE(at + 12),
    fromMs: bytes.readDoubleLE(at + 16),
    toMs: bytes.readDoubleLE(at + 24),
    payload: bytes.subarray(at + HEAD_BYTES, end),
  };
}

/** Where the next whole frame begins, or the end. */
function nextFrameAfter(bytes: Buffer, at: number): number {
  let next = bytes.indexOf(MAGIC, at + 1);
  while (next >= 0 && frameAt(bytes, next) === null) next = bytes.indexOf(MAGIC, next + 1);
  return next < 0 ? bytes.length : next;
}

function damageAt(bytes: Buffer, at: number): FrameDamage['reason'] {
  const rest = bytes.subarray(at);
  const isOurs = MAGIC.subarray(0, 3).equals(rest.subarray(0, 3));
  if (isOurs && rest.length > 3 && rest[3] !== MAGIC[3]) return 'other-format';
  const isStart = MAGIC.subarray(0, rest.length).equals(rest.subarray(0, MAGIC.length));
  if (!isStart) return 'damaged';
  return rest.length < HEAD_BYTES || rest.length < HEAD_BYTES + rest.readUInt32LE(4) ? 'torn' : 'damaged';
}
