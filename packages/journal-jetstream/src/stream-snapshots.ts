/**
 * Which snapshots of the stream's history there are, which stay, and where the log may be cut.
 *
 * Retention never makes anything unreachable: the log is cut only right behind a stored snapshot that was just read back,
 * so what is left always begins with a state that can be had. Any node may cut, at any time:
 *
 *   - two nodes that cut at different snapshots leave the log cut at the later one, and both snapshots are there;
 *   - a node that thins out snapshots leaves alone what is old enough for another to cut behind, with a margin between
 *     the two ages that is longer than any of this takes.
 */
import { snapshotsToRemove, type StoredSnapshot } from '@muster/journal';
import type { StreamInfo } from '@nats-io/jetstream';
import { natsMessageOf } from './nats-failure.ts';
import { nanosecondsOf, timeMsOf } from './recorded-message.ts';
import { SnapshotBucket, type SnapshotPlace } from './snapshot-bucket.ts';
import type { StreamAccess } from './stream-access.ts';

const HOUR_MS = 3_600_000;
/**
 * Between the age from which a snapshot is not thinned out and the age from which the log is cut behind it: a tenth of the
 * retention, at most this.
 */
const CUT_MARGIN_MS_MAX = 60_000;

export interface StreamSnapshotsOptions {
  /** Null: the log is never cut. */
  readonly retentionHours: number | null;
  readonly log: (line: string) => void;
}

export class StreamSnapshots {
  readonly #stream: StreamAccess;
  readonly #bucket: SnapshotBucket;
  readonly #options: StreamSnapshotsOptions;

  constructor(stream: StreamAccess, options: StreamSnapshotsOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#bucket = new SnapshotBucket(stream, options.log);
  }

  /** See `Journal.saveSnapshot`. What tidies up afterwards is tried, and logged where it fails. */
  async save(snapshot: StoredSnapshot): Promise<void> {
    const info = await this.#stream.info();
    if (snapshot.epoch !== info.created || snapshot.revision > info.state.last_seq) return;
    const timeNs = await this.#timeNsOf(snapshot.revision, info);
    await this.#bucket.save(snapshot, timeNs, info.config.num_replicas);
    try {
      await this.#tidy(info);
    } catch (error) {
      this.#options.log(
        `the journal ${this.#stream.name} keeps old events and snapshots for now: ${natsMessageOf(error)}`,
      );
    }
  }

  /** See `Journal.loadSnapshot`. */
  async load(atOrBefore: number): Promise<StoredSnapshot | null> {
    const info = await this.#stream.info();
    const revisionMax = Math.min(atOrBefore, info.state.last_seq);
    const places = (await this.#bucket.list()).filter(
      ({ epoch, revision }) => epoch === info.created && revision <= revisionMax,
    );
    for (const place of places.reverse()) {
      if (place.timeNs !== (await this.#timeNsOf(place.revision, info, place.timeNs))) continue;
      const snapshot = await this.#bucket.load(place);
      if (snapshot !== null) return snapshot;
    }
    return null;
  }

  /** For people: of which history there are snapshots, newest first; null where there are none. It does not need the stream. */
  async earlierHistory(): Promise<string | null> {
    const newest = (await this.#bucket.list()).at(-1);
    if (newest === undefined) return null;
    return `there are snapshots of its history ${newest.epoch}, the newest at revision ${newest.revision}`;
  }

  /** When the event at a revision was stored; `whereCut` for one that the log does not hold any more. */
  async #timeNsOf(revision: number, { state }: StreamInfo, whereCut = '0'): Promise<string> {
    if (revision < state.first_seq || revision === 0) return whereCut;
    const message = await this.#stream.message({ seq: revision });
    return message === null ? '0' : nanosecondsOf(message.timestamp);
  }

  async #tidy(info: StreamInfo): Promise<void> {
    const all = await this.#bucket.list();
    const ours = all.filter(({ epoch }) => epoch === info.created);
    const firstRevision = await this.#cut(ours, info);
    const removable = new Set(
      snapshotsToRemove(
        ours.map(({ revision }) => revision),
        firstRevision,
      ),
    );
    const removed = ours.filter((place) => {
      if (!removable.has(place.revision)) return false;
      return place.revision < firstRevision || !this.#isOld(place, info, 0);
    });
    const ofOtherEpochs = all.filter(({ epoch }, index) => epoch < info.created && all[index + 1]?.epoch === epoch);
    for (const place of [...ofOtherEpochs, ...removed]) await this.#bucket.remove(place);
  }

  /** Cuts the log where it may be cut, and answers its first revision. */
  async #cut(places: readonly SnapshotPlace[], info: StreamInfo): Promise<number> {
    const { first_seq: firstRevision } = info.state;
    const place = places.findLast((candidate) => this.#isOld(candidate, info, 1));
    if (place === undefined || place.revision < firstRevision) return firstRevision;
    // It must not only be listed: what the log rests on from now on has to be there to the last byte.
    if ((await this.#bucket.load(place)) === null) return firstRevision;
    await this.#stream.cutBefore(place.revision + 1);
    return place.revision + 1;
  }

  /** Whether all events up to a snapshot are older than the retention, by the server's clock where it tells. */
  #isOld({ timeNs }: SnapshotPlace, info: StreamInfo, marginCount: 0 | 1): boolean {
    const { retentionHours } = this.#options;
    if (retentionHours === null || timeNs === '0') return false;
    const retentionMs = retentionHours * HOUR_MS;
    const marginMs = marginCount * Math.min(retentionMs / 10, CUT_MARGIN_MS_MAX);
    const nowMs = Date.parse((info as { ts?: string }).ts ?? new Date().toISOString());
    return timeMsOf(timeNs) < nowMs - retentionMs - marginMs;
  }
}
