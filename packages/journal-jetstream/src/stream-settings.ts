/**
 * Which settings of a stream that is there lose, change or hide an event, and what is done about each. Pure.
 *
 *     refused    an event may be lost, stored otherwise than it was published, or not be had: the stream is not used
 *     warned     it differs from what was asked for, in a way that people may want
 *     harmless   how and where it is stored, and how it is described
 *
 * Every setting of NATS servers from 2.9 to 2.15 stands in the table, so the compiler tells when the client's types learn of a
 * new one. One that neither knows is a warning. The line of a refusal says what mends it.
 */
import { DiscardPolicy, PersistMode, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import type { WantedStream } from './stream-config.ts';

/**
 * An event of 65,536 characters, the most that the fold reads, has 196,608 bytes of UTF-8 at most; with its head it is below this.
 */
const MESSAGE_BYTES_NEEDED = 262_144;
/** How long a reader's consumer may stand idle, in ms; a stream that allows less lets nobody make one. */
export const CONSUMER_IDLE_MS = 60_000;
const NS_PER_MS = 1e6;

interface Finding {
  readonly kind: 'refused' | 'warned';
  /** What is the case, as the end of a sentence that begins with the stream. */
  readonly what: string;
  /** What mends it; null for a warning that needs nothing. */
  readonly remedy: string | null;
}

/** Servers leave out what is false or zero, and what they do not know. */
type Found = Partial<StreamConfig>;
type Judge = (found: Found, wanted: WantedStream) => Finding | null;

/** `template_owner` is of servers before 2.11, and not in the client's types. */
type Setting = keyof StreamConfig | 'template_owner';

export interface StreamJudgement {
  /** Why it must not be used, for people, with what mends it; null: it may be. */
  readonly refusal: string | null;
  /** In what else it differs from the request, one line each. */
  readonly warnings: readonly string[];
}

const harmless: Judge = () => null;
/** For what has changed events already, or was fixed when the stream was made. */
const MAKE_ANEW =
  'delete it, and have it made again: muster restore-history on a node that serves; where none does, muster up --new-cluster';
const UNSET_IN_JSON = "take that out of the stream's config: nats stream edit NAME --config FILE";

const SETTINGS: Readonly<Record<Setting, Judge>> = {
  name: harmless,
  subjects: ({ subjects = [] }, { subjects: [subject] }) => {
    if (subjects.length === 1 && subjects[0] === subject) return null;
    const what = `keeps ${subjects.join(', ') || 'no subjects'} and should keep ${subject} alone`;
    return refused(what, edit(`--subjects="${subject}"`));
  },
  retention: ({ retention }) =>
    retention === RetentionPolicy.Limits
      ? null
      : refused(`has the retention "${retention ?? 'none'}", which drops events that were read`, MAKE_ANEW),
  storage: ({ storage }) =>
    storage === StorageType.File ? null : refused('is kept in memory and lost when its servers restart', MAKE_ANEW),
  persist_mode: ({ persist_mode: mode }) =>
    mode === undefined || mode === PersistMode.Default
      ? null
      : refused(`acknowledges events before they are written (persist_mode "${mode}")`, MAKE_ANEW),
  max_age: ({ max_age: age = 0 }) =>
    age > 0 ? refused('drops events by age, which can lose the present state', edit('--max-age=0')) : null,
  max_msgs: limitOf('max_msgs'),
  max_bytes: limitOf('max_bytes'),
  max_msgs_per_subject: ({ max_msgs_per_subject: count = 0 }) =>
    count > 0 ? refused('keeps only some events of each subject', edit('--max-msgs-per-subject=-1')) : null,
  discard_new_per_subject: ({ discard_new_per_subject: isOn }) =>
    isOn
      ? warned('refuses events of a subject that is full, should subjects be limited (discard_new_per_subject)')
      : null,
  discard: ({ discard }) =>
    discard === DiscardPolicy.New ? null : warned('would drop its oldest events if it were limited (discard old)'),
  max_msg_size: ({ max_msg_size: bytes = 0 }) =>
    bytes > 0 && bytes < MESSAGE_BYTES_NEEDED
      ? refused(`takes no event of more than ${bytes} bytes`, edit('--max-msg-size=-1'))
      : null,
  max_consumers: ({ max_consumers: count = 0 }) =>
    count > 0
      ? refused(
          `lets only ${count} readers read it`,
          `${edit('--max-consumers=-1')}; on servers that do not allow that: ${MAKE_ANEW}`,
        )
      : null,
  consumer_limits: ({ consumer_limits: limits }) => {
    const idleMs = (limits?.inactive_threshold ?? 0) / NS_PER_MS;
    if (idleMs <= 0 || idleMs >= CONSUMER_IDLE_MS) return null;
    const what = `ends readers that pause for ${idleMs} ms, and nodes ask for ${CONSUMER_IDLE_MS} (consumer_limits)`;
    return refused(what, edit('--limit-consumer-inactive=0s'));
  },
  no_ack: ({ no_ack: isOn }) => (isOn ? refused('acknowledges nothing (no_ack)', edit('--ack')) : null),
  subject_transform: ({ subject_transform: transform }) =>
    transform === undefined
      ? null
      : refused('stores events under other subjects than they were published on (subject_transform)', UNSET_IN_JSON),
  allow_rollup_hdrs: ({ allow_rollup_hdrs: isOn }) =>
    isOn ? refused('lets a publisher replace its history (allow_rollup_hdrs)', MAKE_ANEW) : null,
  allow_msg_ttl: ({ allow_msg_ttl: isOn }) =>
    isOn ? refused('lets a publisher give an event an end (allow_msg_ttl)', MAKE_ANEW) : null,
  subject_delete_marker_ttl: ({ subject_delete_marker_ttl: ttl = 0 }) =>
    ttl > 0 ? refused('writes marks of its own among the events (subject_delete_marker_ttl)', UNSET_IN_JSON) : null,
  allow_msg_counter: ({ allow_msg_counter: isOn }) =>
    isOn ? refused('stores sums in place of events (allow_msg_counter)', MAKE_ANEW) : null,
  allow_msg_schedules: ({ allow_msg_schedules: isOn }) =>
    isOn ? refused('publishes events by itself, and replaces them (allow_msg_schedules)', MAKE_ANEW) : null,
  first_seq: ({ first_seq: first = 0 }) =>
    first > 1 ? refused(`begins at revision ${first}, as if all before had been cut (first_seq)`, MAKE_ANEW) : null,
  mirror: ({ mirror }) =>
    mirror === undefined ? null : refused('copies another stream, so its order is not its own', MAKE_ANEW),
  sources: ({ sources = [] }) =>
    sources.length === 0 ? null : refused('copies another stream, so its order is not its own', MAKE_ANEW),
  sealed: ({ sealed: isOn }) => (isOn ? refused('is sealed and takes no events', MAKE_ANEW) : null),
  num_replicas: differing('num_replicas'),
  duplicate_window: differing('duplicate_window'),
  deny_delete: differing('deny_delete'),
  deny_purge: ({ deny_purge: isOn }) =>
    isOn ? warned('cannot be cut: retentionHours has no effect (deny_purge)') : null,
  allow_direct: ({ allow_direct: isOn }) =>
    isOn ? null : warned('is not read while its readers have no leader (allow_direct is off)', edit('--allow-direct')),
  republish: ({ republish }) =>
    republish === undefined
      ? null
      : warned(`copies each event to ${republish.dest}, whoever may read that (republish)`),
  mirror_direct: harmless,
  // A batch is stored as its events, one after the other.
  allow_atomic: harmless,
  allow_batched: harmless,
  compression: harmless,
  placement: harmless,
  description: harmless,
  metadata: harmless,
  template_owner: harmless,
};

/** What a stream that is there is fit for. */
export function judgeStream(found: StreamConfig, wanted: WantedStream): StreamJudgement {
  let refusal: string | null = null;
  const warnings: string[] = [];
  for (const judge of Object.values(SETTINGS)) {
    const finding = judge(found, wanted);
    if (finding === null) continue;
    const line = lineOf(finding, wanted.name);
    if (finding.kind === 'warned') warnings.push(line);
    else refusal ??= line;
  }
  return { refusal, warnings: [...warnings, ...unknownSettings(found, wanted.name)] };
}

function lineOf({ what, remedy }: Finding, name: string): string {
  return `the stream ${name} ${what}${remedy === null ? '' : `; ${remedy.replaceAll('NAME', name)}`}`;
}

/** The settings that a later server has brought: nobody here knows what they do. */
function unknownSettings(found: StreamConfig, name: string): string[] {
  return Object.entries(found)
    .filter(([field]) => !Object.hasOwn(SETTINGS, field))
    .map(
      ([field, value]) => `the stream ${name} has ${field} ${JSON.stringify(value)}, which this version does not know`,
    );
}

function refused(what: string, remedy: string): Finding {
  return { kind: 'refused', what, remedy };
}

function warned(what: string, remedy: string | null = null): Finding {
  return { kind: 'warned', what, remedy };
}

function edit(options: string): string {
  return `nats stream edit NAME ${options}`;
}

/** A limit is a warning where it differs; with `discard old` what is beyond it is dropped. */
function limitOf(field: 'max_msgs' | 'max_bytes'): Judge {
  const judgeDifference = differing(field);
  return (found, wanted) =>
    (found[field] ?? 0) > 0 && found.discard !== DiscardPolicy.New
      ? refused('drops its oldest events when it is full', edit('--discard=new'))
      : judgeDifference(found, wanted);
}

function differing(field: 'max_msgs' | 'max_bytes' | 'num_replicas' | 'duplicate_window' | 'deny_delete'): Judge {
  return (found, wanted) => {
    // Servers leave out what is false or zero.
    const [has, asked] = [found[field] ?? (typeof wanted[field] === 'boolean' ? false : 0), wanted[field]];
    return has === asked ? null : warned(`has ${field} ${has}; the config asks for ${asked}`);
  };
}
