/**
 * The store: what a node saw, kept on this machine for a while, in a folder of segment files.
 *
 *     add ──► one frame in memory ──each second, or when it is large──► compressed ──► the newest segment ─ ─► removed
 *              └─ no room, or the disk took nothing lately: lost, and counted            by age, by size: the oldest first
 *
 * In memory are at most `PENDING_BYTES_MAX` that wait, one frame that is being written, and the names of the newest segment.
 *
 * It must cost whoever observes next to nothing, and never harm: `add` neither waits nor throws, memory and disk are bounded, and a
 * full disk costs observations and nothing else. That some were lost is itself kept, as soon as there is room, so that nobody
 * takes silence for calm.
 *
 * Nothing is synced. What was written survives kill -9 of the process, and not a power cut; what was added in the second before
 * survives neither.
 */
import { messageOf } from '@muster/membership';
import { mkdir, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { BodyBuilder, type ClosedBody } from './frame-body.ts';
import { encodeFrame } from './frame.ts';
import { LostCount } from './lost-count.ts';
import type { Observation, ObservationQuery, ObservationSink, ObservationSource } from './observation.ts';
import { ObservationReader, type ObservationDamage } from './observation-reader.ts';
import { createSegment } from './segment-files.ts';
import { SegmentNames } from './segment-names.ts';
import { SegmentRetention } from './segment-retention.ts';

const HOURS_MAX_DEFAULT = 24;
const BYTES_MAX_DEFAULT = 268_435_456;
const FLUSH_INTERVAL_MS = 1_000;
/** A frame of this size is written at once. */
const FRAME_BYTES = 1_048_576;
/** How much waits in memory while a frame is being written. What comes on top is lost. */
const PENDING_BYTES_MAX = 8_388_608;
/** A segment ends at a sixty-fourth of what the store may hold, so that removing one takes little; and not later than at 4 MiB. */
const SEGMENT_BYTES_MAX = 4_194_304;
const SEGMENT_BYTES_MIN = 65_536;
const SEGMENTS_PER_STORE = 64;
/** A segment covers at most this part of the hours, so that what is removed by age is about that old. */
const SEGMENTS_PER_AGE = 24;
/** Characters of names that a segment may have; past it the next frame begins another one. A backend may fail in ever other words. */
const NAMES_CHARACTERS_MAX = 4_194_304;
/** After a failed write, until the next try. */
const RETRY_INTERVAL_MS = 10_000;
const LOG_INTERVAL_MS = 60_000;
/** How often age is looked at while nothing is written. */
const EXPIRY_INTERVAL_MS = 600_000;

interface StoreLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface ObservationStoreOptions {
  /** The folder; made where it is not there, for this user alone. */
  readonly path: string;
  readonly log: StoreLog;
  /** Older observations are removed. Default 24. */
  readonly hoursMax?: number;
  /** What the files may take together; 1 MiB or more. Default 256 MiB. */
  readonly bytesMax?: number;
  /** The time of day, ms since 1970. Default: the system's. */
  readonly now?: () => number;
  /** Ms that went by since some moment, whatever happens to the clock. Default: the system's. */
  readonly elapsedMs?: () => number;
  /** What is added is written within this time. Default 1,000. */
  readonly flushIntervalMs?: number;
  /** After a failed write. Default 10,000. */
  readonly retryIntervalMs?: number;
}

export interface ObservationStoreStatus {
  readonly path: string;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly hoursMax: number;
  readonly segmentsCount: number;
  /** From when on there is something, ms since 1970; null for nothing. */
  readonly sinceMs: number | null;
  /** Added and not lost, since the process started. */
  readonly keptCount: number;
  readonly lostCount: number;
  /** Why the newest write failed; null where it did not. */
  readonly failure: string | null;
}

export interface ObservationStore extends ObservationSink, ObservationSource, AsyncDisposable {
  status(): ObservationStoreStatus;
  /** Resolves when everything added before is written, or lost. */
  flush(): Promise<void>;
  /** Writes what there is, and takes nothing more. */
  close(): Promise<void>;
}

/** Never throws: a folder that cannot be written to is a full disk like any other, logged and tried again. */
export function openObservationStore(options: ObservationStoreOptions): ObservationStore {
  return new Store(options);
}

interface Segment {
  readonly path: string;
  readonly file: FileHandle;
  /** When it was begun, by `elapsedMs`. */
  readonly openedAtMs: number;
  bytes: number;
}

interface ClosedFrame extends ClosedBody {
  readonly names: SegmentNames;
  /** The next frame begins another segment, with names of its own. */
  readonly isLast: boolean;
}

class Store implements ObservationStore {
  readonly #options: Required<ObservationStoreOptions>;
  readonly #segmentBytesMax: number;
  readonly #segmentSpanMs: number;
  readonly #retention: SegmentRetention;
  readonly #reader: ObservationReader;
  readonly #lost = new LostCount();
  #builder = new BodyBuilder(new SegmentNames());
  #segment: Segment | null = null;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #expiryTimer: NodeJS.Timeout;
  #keptCount = 0;
  #failure: string | null = null;
  #failedAtMs = -Infinity;
  #loggedAtMs = -Infinity;
  #isClosed = false;

  constructor(options: ObservationStoreOptions) {
    this.#options = {
      hoursMax: HOURS_MAX_DEFAULT,
      bytesMax: BYTES_MAX_DEFAULT,
      now: Date.now,
      elapsedMs: () => performance.now(),
      flushIntervalMs: FLUSH_INTERVAL_MS,
      retryIntervalMs: RETRY_INTERVAL_MS,
      ...options,
    };
    const { path, bytesMax, hoursMax, now, elapsedMs } = this.#options;
    this.#segmentSpanMs = (hoursMax * 3_600_000) / SEGMENTS_PER_AGE;
    this.#segmentBytesMax = Math.min(SEGMENT_BYTES_MAX, Math.max(SEGMENT_BYTES_MIN, bytesMax / SEGMENTS_PER_STORE));
    const segmentSpanMs = this.#segmentSpanMs;
    this.#retention = new SegmentRetention({ folder: path, bytesMax, hoursMax, segmentSpanMs, now, elapsedMs });
    this.#reader = new ObservationReader({ path, onDamage: (damage) => this.#noteDamage(damage) });
    this.#expiryTimer = setInterval(() => void this.#inTurn(() => this.#retention.expire()), EXPIRY_INTERVAL_MS);
    this.#expiryTimer.unref();
    void this.#inTurn(() => this.#retention.expire());
  }

  add(observation: Observation): void {
    if (this.#isClosed || !this.#hasRoom()) {
      this.#lost.add(observation.timeMs);
      return;
    }
    const lost = this.#lost.take();
    if (lost !== null) this.#builder.add(lost);
    this.#builder.add(observation);
    if (this.#builder.bytes >= FRAME_BYTES) this.#writeSoon();
    else this.#timer ??= setTimeout(() => this.#writeSoon(), this.#options.flushIntervalMs);
  }

  status(): ObservationStoreStatus {
    const { path, bytesMax, hoursMax } = this.#options;
    const { bytes, segmentsCount, sinceMs } = this.#retention;
    const { count: lostCount } = this.#lost;
    return {
      path,
      bytes,
      bytesMax,
      hoursMax,
      segmentsCount,
      sinceMs,
      keptCount: this.#keptCount,
      lostCount,
      failure: this.#failure,
    };
  }

  async flush(): Promise<void> {
    while (this.#writing !== null || !this.#builder.isEmpty) {
      this.#writeSoon();
      await this.#writing;
    }
  }

  async *observations(query?: ObservationQuery): AsyncGenerator<Observation, void> {
    await this.flush();
    yield* this.#reader.observations(query);
  }

  async observedSinceMs(): Promise<number | null> {
    await this.flush();
    return this.#reader.observedSinceMs();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#expiryTimer);
    await this.flush();
    await this.#endSegment();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** While the disk takes nothing, nothing is collected for it either. */
  #hasRoom(): boolean {
    if (this.#failure !== null && performance.now() - this.#failedAtMs < this.#options.retryIntervalMs) return false;
    return this.#builder.bytes < PENDING_BYTES_MAX;
  }

  /** One frame at a time; what comes meanwhile is the next. */
  #writeSoon(): void {
    if (this.#writing !== null || this.#builder.isEmpty) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const frame = this.#takeFrame();
    void this.#inTurn(() => this.#write(frame));
  }

  /** What touches the files does so one after another. Whoever comes second is called again when the first is done. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.#writing;
    const turn = (before ?? Promise.resolve()).then(work).catch((error: unknown) => this.#noteFailure(error));
    this.#writing = turn;
    await turn;
    if (this.#writing !== turn) return;
    this.#writing = null;
    if (this.#builder.bytes >= FRAME_BYTES || (this.#isClosed && !this.#builder.isEmpty)) this.#writeSoon();
    else if (!this.#builder.isEmpty) this.#timer ??= setTimeout(() => this.#writeSoon(), this.#options.flushIntervalMs);
  }

  #takeFrame(): ClosedFrame {
    const { names } = this.#builder;
    const body = this.#builder.close();
    const isFull = this.#segment !== null && this.#isFull(this.#segment);
    const isLast = isFull || names.characters > NAMES_CHARACTERS_MAX;
    this.#builder = new BodyBuilder(isLast ? new SegmentNames() : names);
    return { ...body, names, isLast };
  }

  #isFull({ bytes, openedAtMs }: Segment): boolean {
    return bytes >= this.#segmentBytesMax || this.#options.elapsedMs() - openedAtMs >= this.#segmentSpanMs;
  }

  async #write(frame: ClosedFrame): Promise<void> {
    try {
      await this.#append(frame);
      this.#keptCount += frame.count;
      this.#failure = null;
      if (frame.isLast) await this.#endSegment();
    } catch (error) {
      this.#lost.addMany(frame);
      this.#lost.sayAgain(frame.lostCount);
      // Nobody knows what the file holds now, so another one begins, with all names once more.
      frame.names.writtenCount = 0;
      this.#noteFailure(error);
      await this.#endSegment();
    }
  }

  async #append(frame: ClosedFrame): Promise<void> {
    const { kindBits, fromMs, toMs, names } = frame;
    const unwritten = names.unwritten(frame.namesCount);
    const pieces: Buffer[] = [];
    if (unwritten !== null) {
      pieces.push(encodeFrame({ kindBits: 0, fromMs, toMs, payload: await pack(JSON.stringify(unwritten)) }));
    }
    pieces.push(encodeFrame({ kindBits, fromMs, toMs, payload: await pack(frame.text) }));
    const bytes = Buffer.concat(pieces);
    await this.#retention.makeRoom(bytes.length);
    const segment = (this.#segment ??= await this.#beginSegment());
    await segment.file.appendFile(bytes);
    segment.bytes += bytes.length;
    this.#retention.grew({ path: segment.path, bytes: bytes.length, fromMs });
    names.writtenCount = frame.namesCount;
  }

  async #beginSegment(): Promise<Segment> {
    const { path: folder, now, elapsedMs } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { path, number, file } = await createSegment(folder, this.#retention.newestNumber + 1);
    this.#retention.began({ path, number, bytes: 0, writtenMs: now() });
    return { path, file, openedAtMs: elapsedMs(), bytes: 0 };
  }

  async #endSegment(): Promise<void> {
    const segment = this.#segment;
    this.#segment = null;
    await segment?.file.close().catch((error: unknown) => this.#noteFailure(error));
    if (segment?.bytes === 0) await this.#retention.remove(segment.path);
  }

  #noteFailure(error: unknown): void {
    const { path, log } = this.#options;
    const nowMs = performance.now();
    this.#failure = messageOf(error);
    this.#failedAtMs = nowMs;
    if (nowMs - this.#loggedAtMs < LOG_INTERVAL_MS) return;
    this.#loggedAtMs = nowMs;
    const text = `observations cannot be kept in ${path}: ${this.#failure}; those of this time are lost, traffic is not touched`;
    log.error({ path, err: error, lostCount: this.#lost.count }, text);
  }

  #noteDamage({ path, atByte, bytes, reason }: ObservationDamage): void {
    const text = `observations in ${path} are passed over: ${bytes} bytes at ${atByte} are ${reason}`;
    if (reason === 'torn') this.#options.log.info({ path, atByte, bytes, reason }, text);
    else this.#options.log.warn({ path, atByte, bytes, reason }, text);
  }
}

const zip = promisify(zstdCompress);
/** Level 3 takes the same time and makes them no smaller. */
const PACK_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

function pack(text: string): Promise<Buffer> {
  return zip(text, PACK_OPTIONS);
}
