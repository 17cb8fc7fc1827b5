/**
 * Follows a chunked body (RFC 9112, 7.1) through reads cut at any byte, and says which of their bytes go on. It never copies them.
 *
 *     5;name=value\r\n   hello\r\n   0\r\n   Digest: x\r\n\r\n       as received
 *     5           \r\n   hello\r\n   0\r\n                           `framed`: pairs of indices, extensions cut out
 *                        hello                                       `data`
 *                                            Digest: x\r\n\r\n       `tail`: the trailers that go on, and the end
 *
 * Extensions are dropped, because they are for one hop (7.1.1), and because parsers disagree about them. Trailers are held until
 * they are complete, within limits. What has been let through is always the beginning of a body that is right: a size line that
 * turns out wrong had not been ended yet.
 */
import {
  BACKSLASH,
  CLASS,
  CR,
  EQUALS,
  HEX_VALUE,
  isWhitespace,
  LF,
  QUOTE,
  SEMICOLON,
  TOKEN,
  VALUE,
} from './characters.ts';
import { BODY_PROBLEMS, type BodyProblem } from './problem.ts';
import { type FieldNames, SAID_BY_PROXIES } from './own-fields.ts';
import { keptTrailers } from './trailers.ts';

export interface ChunkedLimits {
  /** Bytes of all chunk extensions of a body together; above it 413. Default 16 KiB. */
  readonly maxExtensionBytes: number;
  /** Bytes of all trailers together; above it 431. Default 16 KiB. */
  readonly maxTrailerBytes: number;
  /** Trailer lines; above it 431. Default 100. */
  readonly maxTrailerFields: number;
}

export const CHUNKED_LIMITS: ChunkedLimits = {
  maxExtensionBytes: 16_384,
  maxTrailerBytes: 16_384,
  maxTrailerFields: 100,
};

/** A size that needs more digits could not be counted in an unsigned 64-bit integer either. */
const MAX_SIZE_DIGITS = 16;

const EMPTY_LINE_BYTES = 2;

/** What the next byte must be, or be part of. */
const STATE = {
  size: 0,
  /** Whitespace that only a `;` may follow. */
  beforeSemicolon: 1,
  beforeName: 2,
  name: 3,
  /** Whitespace after a name, which `=`, `;` may follow. */
  afterName: 4,
  beforeValue: 5,
  token: 6,
  quoted: 7,
  escaped: 8,
  afterQuoted: 9,
  sizeLineFeed: 10,
  data: 11,
  dataReturn: 12,
  dataLineFeed: 13,
  /** The first byte after the last chunk: the end's CR, or a trailer. */
  end: 14,
  endLineFeed: 15,
  trailers: 16,
} as const;

export class ChunkedBody {
  /** Whether the last byte of the body was read. */
  isComplete = false;
  /** Why it was refused; nothing more can be read then. */
  problem: BodyProblem | null = null;
  /** Bytes of data so far, without framing. */
  dataBytes = 0;
  /** Indices [from, to, from, to …] of the last read's bytes that go on with their framing. Used again by the next read. */
  readonly framed: number[] = [];
  /** The same of those that are data, for a receiver that knows no chunks. */
  readonly data: number[] = [];
  /** What is to be written after `framed` once the body is complete: '', or the trailers that go on and the final CRLF. */
  tail = '';
  readonly #limits: ChunkedLimits;
  readonly #nominated: ReadonlySet<string> | null;
  readonly #proxyFields: FieldNames;
  #state: number = STATE.size;
  /** Of the chunk being read: its size so far, then what is still to come of its data. */
  #leftBytes = 0;
  #sizeDigits = 0;
  #extensionBytes = 0;
  #trailers = '';
  /** Of the trailer line being read: its bytes so far, and whether the last one was a CR. What is held is not looked at for each of them. */
  #trailerLineBytes = 0;
  #isTrailerReturn = false;
  /** Where the piece that goes on begins, in this read; -1 while what is read is dropped. */
  #framedFrom = 0;

  /** `nominated`: what the head's Connection named, in lower case; such trailers are left out, and so are `proxyFields`. */
  constructor(
    limits: ChunkedLimits = CHUNKED_LIMITS,
    nominated: ReadonlySet<string> | null = null,
    proxyFields: FieldNames = SAID_BY_PROXIES,
  ) {
    this.#limits = limits;
    this.#nominated = nominated;
    this.#proxyFields = proxyFields;
  }

  /**
   * Reads on at `start`. Returns the index just past the last byte that belongs to the body: `bytes.length` while more is to come,
   * and the index of the wrong byte when there is a `problem`.
   */
  read(bytes: Uint8Array, start: number): number {
    this.framed.length = 0;
    this.data.length = 0;
    if (this.isComplete || this.problem !== null) return start;
    this.#framedFrom = this.#isDropping() ? -1 : start;
    let index = start;
    while (index < bytes.length && !this.isComplete) {
      if (this.#state === STATE.data) index = this.#readData(bytes, index);
      else if (this.#step(bytes[index]!, index)) index++;
      else break;
    }
    if (this.#framedFrom !== -1 && this.#framedFrom < index) this.framed.push(this.#framedFrom, index);
    return index;
  }

  #readData(bytes: Uint8Array, index: number): number {
    const count = Math.min(this.#leftBytes, bytes.length - index);
    this.data.push(index, index + count);
    this.dataBytes += count;
    this.#leftBytes -= count;
    if (this.#leftBytes === 0) this.#state = STATE.dataReturn;
    return index + count;
  }

  /** Whether what comes is an extension or a trailer. */
  #isDropping(): boolean {
    return (this.#state >= STATE.beforeSemicolon && this.#state <= STATE.afterQuoted) || this.#state === STATE.trailers;
  }

  /** Takes one byte that is not data; false if it is refused. */
  #step(byte: number, index: number): boolean {
    switch (this.#state) {
      case STATE.size:
        return this.#stepSize(byte, index);
      case STATE.sizeLineFeed:
        if (byte !== LF) return this.#refuse(BODY_PROBLEMS.chunk_size_ending);
        return this.#go(this.#leftBytes === 0 ? STATE.end : STATE.data);
      case STATE.dataReturn:
        return byte === CR ? this.#go(STATE.dataLineFeed) : this.#refuse(BODY_PROBLEMS.chunk_data_ending);
      case STATE.dataLineFeed:
        if (byte !== LF) return this.#refuse(BODY_PROBLEMS.chunk_data_ending);
        this.#sizeDigits = 0;
        return this.#go(STATE.size);
      case STATE.end:
        if (byte === CR) return this.#go(STATE.endLineFeed);
        this.#drop(index);
        this.#state = STATE.trailers;
        return this.#stepTrailers(byte);
      case STATE.endLineFeed:
        if (byte !== LF) return this.#refuse(BODY_PROBLEMS.trailer);
        this.isComplete = true;
        return true;
      case STATE.trailers:
        return this.#stepTrailers(byte);
      default:
        return this.#stepExtension(byte, index);
    }
  }

  #stepSize(byte: number, index: number): boolean {
    const digit = HEX_VALUE[byte]!;
    if (digit !== -1) {
      if (++this.#sizeDigits > MAX_SIZE_DIGITS) return this.#refuse(BODY_PROBLEMS.chunk_size);
      this.#leftBytes = this.#leftBytes * 16 + digit;
      return (
        this.#leftBytes <= Number.MAX_SAFE_INTEGER - this.dataBytes || this.#refuse(BODY_PROBLEMS.chunk_size_too_large)
      );
    }
    if (this.#sizeDigits === 0) return this.#refuse(BODY_PROBLEMS.chunk_size);
    if (byte === CR) return this.#go(STATE.sizeLineFeed);
    if (byte === LF) return this.#refuse(BODY_PROBLEMS.chunk_size_ending);
    if (byte !== SEMICOLON && !isWhitespace(byte)) return this.#refuse(BODY_PROBLEMS.chunk_size);
    this.#drop(index);
    this.#state = STATE.beforeSemicolon;
    return this.#stepExtension(byte, index);
  }

  /** `*( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )`, and no whitespace before the line's end. */
  #stepExtension(byte: number, index: number): boolean {
    if (byte === CR && this.#mayEndExtensions()) {
      this.#framedFrom = index;
      return this.#go(STATE.sizeLineFeed);
    }
    if (++this.#extensionBytes > this.#limits.maxExtensionBytes) {
      return this.#refuse(BODY_PROBLEMS.chunk_extensions_too_large);
    }
    const next = nextInExtension(this.#state, byte);
    return next === -1 ? this.#refuse(BODY_PROBLEMS.chunk_extension) : this.#go(next);
  }

  #mayEndExtensions(): boolean {
    return this.#state === STATE.name || this.#state === STATE.token || this.#state === STATE.afterQuoted;
  }

  /** Holds the trailers until the empty line, and then sees what of them goes on. */
  #stepTrailers(byte: number): boolean {
    const wasReturn = this.#isTrailerReturn;
    this.#isTrailerReturn = byte === CR;
    this.#trailers += String.fromCharCode(byte);
    this.#trailerLineBytes++;
    if (this.#trailers.length > this.#limits.maxTrailerBytes) return this.#refuse(BODY_PROBLEMS.trailers_too_large);
    if (byte !== LF) return true;
    // Whoever ends lines in LF alone would wait here for an end that never comes.
    if (!wasReturn) return this.#refuse(BODY_PROBLEMS.trailer);
    const isEmptyLine = this.#trailerLineBytes === EMPTY_LINE_BYTES;
    this.#trailerLineBytes = 0;
    if (!isEmptyLine) return true;
    const rules = {
      maxTrailerFields: this.#limits.maxTrailerFields,
      nominated: this.#nominated,
      proxyFields: this.#proxyFields,
    };
    const kept = keptTrailers(this.#trailers, rules);
    if (typeof kept !== 'string') return this.#refuse(kept);
    this.tail = `${kept}\r\n`;
    this.isComplete = true;
    return true;
  }

  #go(state: number): true {
    this.#state = state;
    return true;
  }

  #refuse(problem: BodyProblem): false {
    this.problem = problem;
    return false;
  }

  #drop(index: number): void {
    if (this.#framedFrom < index) this.framed.push(this.#framedFrom, index);
    this.#framedFrom = -1;
  }
}

/** The state after a byte of an extension, or -1 where it is refused. */
function nextInExtension(state: number, byte: number): number {
  const isToken = (CLASS[byte]! & TOKEN) !== 0;
  const isSpace = isWhitespace(byte);
  switch (state) {
    case STATE.beforeSemicolon:
      return isSpace ? state : byte === SEMICOLON ? STATE.beforeName : -1;
    case STATE.beforeName:
      return isSpace ? state : isToken ? STATE.name : -1;
    case STATE.name:
    case STATE.afterName:
      if (isToken && state === STATE.name) return state;
      return isSpace
        ? STATE.afterName
        : byte === EQUALS
          ? STATE.beforeValue
          : byte === SEMICOLON
            ? STATE.beforeName
            : -1;
    case STATE.beforeValue:
      return isSpace ? state : byte === QUOTE ? STATE.quoted : isToken ? STATE.token : -1;
    case STATE.token:
      if (isToken) return state;
      return isSpace ? STATE.beforeSemicolon : byte === SEMICOLON ? STATE.beforeName : -1;
    case STATE.quoted:
      if (byte === QUOTE) return STATE.afterQuoted;
      if (byte === BACKSLASH) return STATE.escaped;
      return (CLASS[byte]! & VALUE) === 0 ? -1 : state;
    case STATE.escaped:
      return (CLASS[byte]! & VALUE) === 0 ? -1 : STATE.quoted;
    default:
      return isSpace ? STATE.beforeSemicolon : byte === SEMICOLON ? STATE.beforeName : -1;
  }
}
