/**
 * How the journal's stream is set up. Pure.
 *
 * Old servers drop fields that they do not know without a word, so a stream that was just made is held against what was asked
 * for, field by field. Whether one that is there already may be used is judged in `stream-settings.ts`. Nothing is mended here:
 * changing a stream that others use is for a person.
 */
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';

/** NATS servers before this keep per-subject expectations on a single server only (nats-server issue 4320). */
const CLUSTER_SERVER_MIN = { major: 2, minor: 10 };

export interface StreamRequest {
  readonly cluster: string;
  /** Copies, 1 to 5. */
  readonly replicas: number;
  /** Null: as the server limits it. */
  readonly streamBytesMax: number | null;
  readonly duplicateWindowMs: number;
}

/** For example `muster-demo`. */
export function streamName(cluster: string): string {
  return `muster-${cluster}`;
}

export type WantedStream = ReturnType<typeof wantedStream>;

/** What the server is asked to make. */
export function wantedStream(request: StreamRequest) {
  return {
    name: streamName(request.cluster),
    subjects: [`muster.${request.cluster}.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_bytes: request.streamBytesMax ?? -1,
    duplicate_window: nanos(request.duplicateWindowMs),
    num_replicas: request.replicas,
    allow_direct: true,
    allow_rollup_hdrs: false,
    deny_delete: true,
    deny_purge: false,
  };
}

/** Why a stream that was just made is not what was asked for: field, asked, got. Null: it is. */
export function refuseMadeStream(wanted: WantedStream, made: StreamConfig): string | null {
  for (const [field, asked] of Object.entries(wanted)) {
    const got = made[field as keyof StreamConfig] ?? absentValue(asked);
    if (JSON.stringify(got) === JSON.stringify(asked)) continue;
    const difference = `${field}: asked ${JSON.stringify(asked)}, got ${JSON.stringify(got)}`;
    return `the server made the stream ${wanted.name} otherwise than asked (${difference}); delete it and use a newer server`;
  }
  return null;
}

/** Servers leave out what is false or zero. */
function absentValue(asked: unknown): unknown {
  return typeof asked === 'boolean' ? false : typeof asked === 'number' ? 0 : null;
}

/** Why a server of this version cannot hold so many copies, or null. `version`: for example `2.9.10`. */
export function refuseServer(version: string, replicas: number): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const { major: majorMin, minor: minorMin } = CLUSTER_SERVER_MIN;
  if (replicas <= 1 || major > majorMin || (major === majorMin && minor >= minorMin)) return null;
  const rule = `per-subject expectations are not kept by a cluster of NATS servers before ${majorMin}.${minorMin}`;
  return `${rule}; this is ${version}: use newer servers, or replicas = 1`;
}
