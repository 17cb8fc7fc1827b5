/**
 * How the journal's stream is set up, and whether one that is there already may be used. Pure.
 *
 * The rule: whatever could lose the present state or break the order is refused, with the line that mends it; what only
 * differs is a warning. Old servers drop fields that they do not know without a word, so a stream that was just made is
 * held against what was asked for, field by field.
 *
 * It does not mend anything: changing a stream that others use is for a person.
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
export function refuseMadeStream(wanted: ReturnType<typeof wantedStream>, made: StreamConfig): string | null {
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

/** Why a stream that is there must not be used, for people, with what mends it; null: it may be. */
export function refuseStream(found: StreamConfig, cluster: string): string | null {
  const name = streamName(cluster);
  const subject = `muster.${cluster}.>`;
  const edit = (what: string, remedy: string): string => `the stream ${name} ${what}; ${remedy}`;
  const make = `delete it and let a node make it, or keep its events first by copying them`;
  const cutsBySize = [found.max_msgs, found.max_bytes].some((limit) => limit > 0);
  if (found.max_age > 0) {
    return edit('drops events by age, which can lose the present state', `nats stream edit ${name} --max-age=0`);
  }
  if (found.discard !== DiscardPolicy.New && cutsBySize) {
    return edit('drops its oldest events when it is full', `nats stream edit ${name} --discard=new`);
  }
  if (found.max_msgs_per_subject > 0) {
    return edit('keeps only some events of each subject', `nats stream edit ${name} --max-msgs-per-subject=-1`);
  }
  if (found.retention !== RetentionPolicy.Limits) {
    return edit(`has the retention "${found.retention}", which drops events that were read`, make);
  }
  if (found.subjects?.length !== 1 || found.subjects[0] !== subject) {
    const subjects = found.subjects?.join(', ') ?? 'no subjects';
    return edit(
      `keeps ${subjects} and should keep ${subject} alone`,
      `nats stream edit ${name} --subjects="${subject}"`,
    );
  }
  if (found.mirror !== undefined || (found.sources?.length ?? 0) > 0) {
    return edit('copies another stream, so its order is not its own', make);
  }
  if (found.allow_rollup_hdrs) return edit('lets a publisher replace its history (allow_rollup_hdrs)', make);
  return found.sealed ? edit('is sealed and takes no events', make) : null;
}

/** In what a stream that may be used differs from the request, one line each. */
export function streamWarnings(found: StreamConfig, wanted: ReturnType<typeof wantedStream>): string[] {
  const harmless = ['num_replicas', 'max_bytes', 'max_msgs', 'duplicate_window', 'storage', 'deny_delete'] as const;
  return harmless
    .filter((field) => (found[field] ?? absentValue(wanted[field])) !== wanted[field])
    .map((field) => `the stream ${wanted.name} has ${field} ${found[field]}; the config asks for ${wanted[field]}`);
}

/** Why a server of this version cannot hold so many copies, or null. `version`: for example `2.9.10`. */
export function refuseServer(version: string, replicas: number): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const { major: majorMin, minor: minorMin } = CLUSTER_SERVER_MIN;
  if (replicas <= 1 || major > majorMin || (major === majorMin && minor >= minorMin)) return null;
  const rule = `per-subject expectations are not kept by a cluster of NATS servers before ${majorMin}.${minorMin}`;
  return `${rule}; this is ${version}: use newer servers, or replicas = 1`;
}
