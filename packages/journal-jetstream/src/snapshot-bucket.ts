/**
 * Snapshots in the object store bucket `muster-<cluster>-snapshots`: readable with `nats object` as well.
 *
 * A snapshot's name says what it rests on: `EPOCH/REVISION/TIME`, where TIME is when the event at that revision was stored,
 * in ns. So one request lists them all, and one more tells whether the event is still the one that the snapshot was made
 * after; where the server lost acknowledged events and stored others since, it is not, and the snapshot is of a history
 * that never was.
 *
 * The text is compressed (zstd; JSON of backends becomes a tenth). A snapshot that is damaged, or removed by another node
 * while it is read, is passed over for the next older one: it costs a longer replay, and nothing else.
 *
 * Chunks are read by number, not through a consumer as the client's own reader does: that one waits for ever for a chunk
 * that is gone.
 */
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import type { StoredSnapshot } from '@muster/journal';
import type { JetStreamManager } from '@nats-io/jetstream';
import { Objm, type ObjectInfo, type ObjectStore, type ObjectStoreMeta } from '@nats-io/obj';
import { isNoResponders, isStreamNotFound, isTimeout, journalErrorOf, natsMessageOf } from './nats-failure.ts';
import type { StreamAccess } from './stream-access.ts';

/** Text of one snapshot, at most; a larger one is taken for damaged. 10,000 backends need 2.5 MB. */
const SNAPSHOT_BYTES_MAX = 268_435_456;

/** How long a bucket that is being made is waited for. Choosing a leader takes up to 9 s where it does not succeed at once. */
const MAKE_TIMEOUT_MS = 10_000;
/** Between two looks at it. */
const MAKE_RETRY_MS = 100;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** A snapshot in the bucket, as its name tells. */
export interface SnapshotPlace {
  readonly name: string;
  readonly epoch: string;
  readonly revision: number;
  /** Of the event at the revision, ns since 1970; `0` where there was none. */
  readonly timeNs: string;
}

export class SnapshotBucket {
  readonly #stream: StreamAccess;
  readonly #log: (line: string) => void;
  readonly #bucket: string;

  constructor(stream: StreamAccess, log: (line: string) => void) {
    this.#stream = stream;
    this.#log = log;
    this.#bucket = `${stream.name}-snapshots`;
  }

  /** All that are there, by epoch and rising revision. None where the bucket is not there. */
  async list(): Promise<SnapshotPlace[]> {
    const manager = await this.#stream.manager();
    const prefix = this.#metaSubject('');
    const subjects = await manager.streams
      .info(this.#streamName, { subjects_filter: `${prefix}>` })
      .then(({ state }) => Object.keys(state.subjects ?? {}))
      .catch((error: unknown) => {
        if (isStreamNotFound(error)) return [];
        throw journalErrorOf(error, `the snapshots in ${this.#bucket} cannot be listed`);
      });
    const places = subjects.map((subject) =>
      placeOf(Buffer.from(subject.slice(prefix.length), 'base64url').toString()),
    );
    return places
      .filter((place) => place !== null)
      .sort((one, other) =>
        one.epoch === other.epoch ? one.revision - other.revision : one.epoch < other.epoch ? -1 : 1,
      );
  }

  /** Takes the place of one of the same name. */
  async save({ epoch, revision, hash, data }: StoredSnapshot, timeNs: string, replicas: number): Promise<void> {
    try {
      const bytes = await compress(data);
      const name = `${epoch}/${revision}/${timeNs}`;
      const metadata = {
        epoch,
        revision: String(revision),
        hash,
        encoding: 'zstd',
        textBytes: String(Buffer.byteLength(data)),
      };
      await this.#put({ name, metadata }, bytes, replicas);
    } catch (error) {
      throw journalErrorOf(error, `the snapshot at revision ${revision} cannot be stored in ${this.#bucket}`);
    }
  }

  /**
   * A bucket that was just made has a leader before that leader listens on the bucket's subjects. Nobody answers then, so nothing
   * was stored, and the same is tried again.
   */
  async #put(meta: ObjectStoreMeta, bytes: Uint8Array, replicas: number): Promise<void> {
    const deadlineMs = performance.now() + MAKE_TIMEOUT_MS;
    for (;;) {
      const bucket = await this.#openOrMake(replicas);
      try {
        await bucket.putBlob(meta, bytes);
        return;
      } catch (error) {
        if (!isNoResponders(error) || performance.now() > deadlineMs) throw error;
      }
      await setTimeout(MAKE_RETRY_MS);
    }
  }

  /**
   * As with the stream, who makes it while another node does may not be answered, and looks again; nor is anybody while the servers
   * choose who leads JetStream. Of three copies that were just made none is the leader yet, and what is stored then is lost without a
   * word (2.15.1); so that is waited for, too.
   */
  async #openOrMake(replicas: number): Promise<ObjectStore> {
    const manager = await this.#stream.manager();
    const deadlineMs = performance.now() + MAKE_TIMEOUT_MS;
    while (!(await this.#isMade(manager, replicas))) {
      if (performance.now() > deadlineMs) throw new Error('it has no leader');
      await setTimeout(MAKE_RETRY_MS);
    }
    const changer = await this.#stream.changer();
    return new Objm(changer.jetstream()).open(this.#bucket, false);
  }

  async #isMade(manager: JetStreamManager, replicas: number): Promise<boolean> {
    try {
      await new Objm(manager.jetstream()).create(this.#bucket, { replicas });
      const { cluster } = await manager.streams.info(this.#streamName);
      return replicas === 1 || cluster?.leader !== undefined;
    } catch (error) {
      if (isTimeout(error) || isNoResponders(error)) return false;
      throw error;
    }
  }

  /** Null where it cannot be had: damaged, gone, or not what its name says; the reason is logged. */
  async load(place: SnapshotPlace): Promise<StoredSnapshot | null> {
    try {
      const manager = await this.#stream.manager();
      const info = await this.#info(manager, place);
      const bytes = await this.#readChunks(manager, info);
      const data = (await decompress(bytes, { maxOutputLength: SNAPSHOT_BYTES_MAX })).toString();
      const { epoch, revision } = place;
      return { epoch, revision, hash: info.metadata?.['hash'] ?? '', data };
    } catch (error) {
      this.#log(
        `the snapshot ${place.name} in ${this.#bucket} cannot be read (${natsMessageOf(error)}); an older one is used`,
      );
      return null;
    }
  }

  /** Removes it without a trace; the object store's own delete leaves a mark for each for ever. */
  async remove(place: SnapshotPlace): Promise<void> {
    const manager = await this.#stream.changer();
    const info = await this.#info(manager, place).catch(() => null);
    await manager.streams.purge(this.#streamName, { filter: this.#metaSubject(encodeName(place.name)) });
    if (info !== null) await manager.streams.purge(this.#streamName, { filter: this.#chunkSubject(info) });
  }

  async #info(manager: JetStreamManager, { name }: SnapshotPlace): Promise<ObjectInfo> {
    const subject = this.#metaSubject(encodeName(name));
    const stored = await manager.streams.getMessage(this.#streamName, { last_by_subj: subject });
    const info = stored?.json<ObjectInfo>();
    if (info === undefined || info.deleted) throw new Error('it was removed');
    return info;
  }

  async #readChunks(manager: JetStreamManager, info: ObjectInfo): Promise<Buffer> {
    if (info.size > SNAPSHOT_BYTES_MAX) throw new Error(`it has ${info.size} bytes`);
    const chunks: Uint8Array[] = [];
    let sequence = 1;
    while (chunks.length < info.chunks) {
      const query = { seq: sequence, next_by_subj: this.#chunkSubject(info) };
      const chunk = await manager.streams.getMessage(this.#streamName, query);
      if (chunk === null) throw new Error('a part of it is missing');
      chunks.push(chunk.data);
      sequence = chunk.seq + 1;
    }
    const bytes = Buffer.concat(chunks);
    const digest = createHash('sha256').update(bytes).digest('base64url');
    if (info.digest.replace(/=*$/, '') !== `SHA-256=${digest}`) throw new Error('its digest differs');
    return bytes;
  }

  get #streamName(): string {
    return `OBJ_${this.#bucket}`;
  }

  #metaSubject(encodedName: string): string {
    return `$O.${this.#bucket}.M.${encodedName}`;
  }

  #chunkSubject({ nuid }: ObjectInfo): string {
    return `$O.${this.#bucket}.C.${nuid}`;
  }
}

/** Encodes a name as the object store writes it into subjects: base64url with its padding. */
function encodeName(name: string): string {
  return Buffer.from(name).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function placeOf(name: string): SnapshotPlace | null {
  const [epoch, revision, timeNs, ...rest] = name.split('/');
  if (epoch === undefined || timeNs === undefined || rest.length > 0 || !/^\d+$/.test(revision ?? '')) return null;
  return { name, epoch, revision: Number(revision), timeNs };
}
