/**
 * What a store's files take, and which of them have to go: the oldest first, when they are too old, too large together, or too many.
 *
 * How old one is, is a matter of time that went by, and not of what the clock says: a clock that is set on by a month makes nothing older.
 * What went by in this process is measured. Of files from before it, the time between one and the next is believed up to what a file may
 * cover: where it is more, the clock was set, or nobody was there to observe anything.
 *
 * The count is limited for the sake of a node that is started again and again, since each start begins a file.
 */
import { listSegments, segmentSinceMs, removeSegment, type SegmentFile } from './segment-files.ts';

const SEGMENTS_MAX = 1_024;

export interface RetentionOptions {
  readonly folder: string;
  readonly bytesMax: number;
  readonly hoursMax: number;
  /** The time that one file may cover. */
  readonly segmentSpanMs: number;
  /** The time of day, ms since 1970. */
  readonly now: () => number;
  /** Ms that went by since some moment; no clock that is set moves it. */
  readonly elapsedMs: () => number;
}

interface KnownSegment {
  readonly path: string;
  readonly number: number;
  bytes: number;
  /** When it was last written to, by `elapsedMs`; below 0 where that was before this process. */
  writtenAtMs: number;
}

export class SegmentRetention {
  /** The bytes of all files together, as far as this process knows. */
  bytes = 0;
  /** From when on the oldest file speaks, ms since 1970; null while there is none. */
  sinceMs: number | null = null;
  #newestNumber = 0;
  /** The oldest first. Null until the folder has been looked at. */
  #segments: KnownSegment[] | null = null;
  readonly #options: RetentionOptions;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  get segmentsCount(): number {
    return this.#segments?.length ?? 0;
  }

  /** 0 where there is none. */
  get newestNumber(): number {
    return this.#newestNumber;
  }

  began(segment: SegmentFile): void {
    const { path, number, bytes } = segment;
    this.#segments?.push({ path, number, bytes, writtenAtMs: this.#options.elapsedMs() });
    this.#newestNumber = number;
  }

  /** A frame was written. */
  grew({ path, bytes, fromMs }: { readonly path: string; readonly bytes: number; readonly fromMs: number }): void {
    this.sinceMs ??= fromMs;
    const segment = this.#segments?.findLast((known) => known.path === path);
    if (segment === undefined) return;
    segment.bytes += bytes;
    segment.writtenAtMs = this.#options.elapsedMs();
    this.bytes += bytes;
  }

  /** Removes what is too old. The newest stays, whatever its age: it may be written to. */
  async expire(): Promise<void> {
    const segments = await this.#known();
    const oldestMs = this.#options.elapsedMs() - this.#options.hoursMax * 3_600_000;
    while (segments.length > 1 && segments[0]!.writtenAtMs < oldestMs) await this.remove(segments[0]!.path);
  }

  /** Removes what is too old, and what stands in the way of a frame of `bytes`. Rejects where the frame alone is too large. */
  async makeRoom(bytes: number): Promise<void> {
    await this.expire();
    const segments = await this.#known();
    while (this.bytes + bytes > this.#options.bytesMax || segments.length >= SEGMENTS_MAX) {
      if (segments.length <= 1) throw new Error(`a frame of ${bytes} bytes has no room in ${this.#options.bytesMax}`);
      await this.remove(segments[0]!.path);
    }
  }

  async remove(path: string): Promise<void> {
    await removeSegment(path);
    const segments = await this.#known();
    const index = segments.findIndex((known) => known.path === path);
    if (index < 0) return;
    this.bytes -= segments.splice(index, 1)[0]!.bytes;
    if (index === 0) await this.#lookBack();
  }

  async #known(): Promise<KnownSegment[]> {
    if (this.#segments !== null) return this.#segments;
    const segments = this.#aged(await listSegments(this.#options.folder));
    this.#segments = segments;
    this.bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
    this.#newestNumber = segments.at(-1)?.number ?? 0;
    await this.#lookBack();
    return segments;
  }

  /** Files from before this process, each as old as the ones after it and the time between them make it. */
  #aged(files: readonly SegmentFile[]): KnownSegment[] {
    const { now, elapsedMs, segmentSpanMs } = this.#options;
    let laterMs = now();
    let writtenAtMs = elapsedMs();
    const newestFirst = files.toReversed().map(({ path, number, bytes, writtenMs }) => {
      writtenAtMs -= Math.min(segmentSpanMs, Math.max(0, laterMs - writtenMs));
      laterMs = writtenMs;
      return { path, number, bytes, writtenAtMs };
    });
    return newestFirst.reverse();
  }

  async #lookBack(): Promise<void> {
    this.sinceMs = null;
    for (const { path } of this.#segments ?? []) {
      this.sinceMs = await segmentSinceMs(path);
      if (this.sinceMs !== null) return;
    }
  }
}
