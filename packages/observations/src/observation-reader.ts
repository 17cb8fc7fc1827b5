/**
 * Reads a store's folder, whoever writes to it meanwhile: the node's own process, another one, or nobody any more.
 *
 * One file at a time is in memory, and of that one frame is unpacked. A file that is removed under the reader is passed over: the
 * oldest is what retention takes, and what it takes is not missing from the middle.
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { bitsOf, readBody } from './frame-body.ts';
import { framesIn, type Frame, type FrameDamage } from './frame.ts';
import type { Observation, ObservationQuery, ObservationSource } from './observation.ts';
import { listSegments, segmentSinceMs, unlessGone, type SegmentFile } from './segment-files.ts';
import { ReadNames, type NamesBody } from './segment-names.ts';

/** What a frame may unpack to; the writer ends one far earlier. */
const UNPACKED_BYTES_MAX = 268_435_456;

/** A part of a file that could not be read, and what it costs. */
export interface ObservationDamage {
  readonly path: string;
  readonly atByte: number;
  readonly bytes: number;
  /** `names`: observations that were read and cannot be told, because the names they need were in a damaged part. */
  readonly reason: FrameDamage['reason'] | 'unreadable' | 'names';
}

export interface ObservationReaderOptions {
  /** The store's folder. */
  readonly path: string;
  /** Told of each part that is passed over. The half frame at the end of the newest file is none: it is being written. */
  readonly onDamage?: (damage: ObservationDamage) => void;
}

export class ObservationReader implements ObservationSource {
  readonly #path: string;
  readonly #onDamage: (damage: ObservationDamage) => void;

  constructor({ path, onDamage = () => undefined }: ObservationReaderOptions) {
    this.#path = path;
    this.#onDamage = onDamage;
  }

  async *observations(query: ObservationQuery = {}): AsyncGenerator<Observation, void> {
    const segments = await listSegments(this.#path);
    const newest = segments.at(-1);
    for (const segment of segments) yield* this.#readSegment(segment, query, segment === newest);
  }

  async observedSinceMs(): Promise<number | null> {
    for (const { path } of await listSegments(this.#path)) {
      const sinceMs = await segmentSinceMs(path);
      if (sinceMs !== null) return sinceMs;
    }
    return null;
  }

  async *#readSegment(
    { path }: SegmentFile,
    query: ObservationQuery,
    isNewest: boolean,
  ): AsyncGenerator<Observation, void> {
    const bytes = await readFile(path).catch(unlessGone);
    if (bytes === null) return;
    const names = new ReadNames();
    let atByte = 0;
    for (const part of framesIn(bytes)) {
      if (part.kind === 'damage') {
        if (part.reason !== 'torn' || !isNewest) this.#onDamage({ ...part, path });
        continue;
      }
      const { frame } = part;
      atByte = frame.payload.byteOffset - bytes.byteOffset;
      if (frame.kindBits !== 0 && !mayHold(frame, query)) continue;
      const damage = { path, atByte, bytes: frame.payload.length };
      const text = await unpack(frame.payload).catch(() => null);
      if (text === null) this.#onDamage({ ...damage, reason: 'unreadable' });
      else if (frame.kindBits === 0) names.add(JSON.parse(text) as NamesBody);
      else {
        let namelessCount = 0;
        for (const observation of readBody(text, names)) {
          if (observation === null) namelessCount += 1;
          else if (isWanted(observation, query)) yield observation;
        }
        if (namelessCount > 0) this.#onDamage({ ...damage, reason: 'names' });
      }
    }
  }
}

const unzip = promisify(zstdDecompress);

async function unpack(payload: Buffer): Promise<string> {
  return (await unzip(payload, { maxOutputLength: UNPACKED_BYTES_MAX })).toString('utf8');
}

function mayHold({ fromMs, toMs, kindBits }: Frame, query: ObservationQuery): boolean {
  const { fromMs: wantedFromMs = -Infinity, toMs: wantedToMs = Infinity, kinds } = query;
  return toMs >= wantedFromMs && fromMs < wantedToMs && (kindBits & bitsOf(kinds)) !== 0;
}

/** Whether a query asks for it; of what is `lost`, any that touches the query's time. */
export function isWanted(observation: Observation, query: ObservationQuery): boolean {
  const { fromMs = -Infinity, toMs = Infinity, kinds, pool, backend } = query;
  if (kinds !== undefined && !kinds.includes(observation.kind)) return false;
  if (observation.kind === 'lost') return observation.timeMs >= fromMs && observation.sinceMs < toMs;
  if (observation.timeMs < fromMs || observation.timeMs >= toMs) return false;
  return (pool === undefined && backend === undefined) || isAbout(observation, { pool, backend });
}

/** A decision is about the backends that it picked; a hash is about no pool and no backend. */
function isAbout(
  observation: Exclude<Observation, { kind: 'lost' }>,
  { pool, backend }: { readonly pool: string | undefined; readonly backend: string | undefined },
): boolean {
  if (observation.kind === 'hash') return false;
  const { kind } = observation;
  const ofPool = kind === 'decision' ? observation.decision.pool : observation.pool;
  if (pool !== undefined && pool !== ofPool) return false;
  if (backend === undefined) return true;
  if (kind !== 'decision') return observation.backend === backend;
  return observation.decision.attempts.some((attempt) => attempt.backend === backend);
}
