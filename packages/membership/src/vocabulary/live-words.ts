/**
 * Live words: what nodes and members say to whoever listens now, and nobody keeps. They are not events.
 *
 *   muster-live.<cluster>.node.<node>             an announcement: how far a node has folded, and to which hash
 *   muster-live.<cluster>.lease.<pool>.<backend>  a heartbeat: the member at this target lives
 *
 * They have a first token of their own, so that no stream that keeps `muster.>` ever keeps them, and a permission on
 * one says nothing about the other. A word that is lost is made good by the next one. What follows from silence is an
 * event again: `BackendDeregistered` and `NodeStopped`, with the reason `LEASE_EXPIRED`.
 *
 * Unlike events, words may have fields that this version does not know: they are passed over, so that during an upgrade
 * the old nodes go on hearing the new ones.
 */
import { z } from 'zod';
import { isName, nameSchema } from './subject.ts';

const PREFIX = 'muster-live';
const HASH_PATTERN = /^[0-9a-f]{16}$/;

/** The reason in the event that takes out a member or a node that fell silent. */
export const LEASE_EXPIRED = 'lease-expired';

/** Characters of a live word that are read; a longer one is passed over. */
export const LIVE_WORD_CHARACTERS_MAX = 4_096;

/** A word as it arrived. */
export interface LiveMessage {
  readonly subject: string;
  /** At most `LIVE_WORD_CHARACTERS_MAX` characters; longer ones do not arrive. */
  readonly text: string;
  /** Says something to the sender alone; nothing where it did not ask, or wants the answer elsewhere than in an inbox. Never throws. */
  readonly answer: (text: string) => void;
}

/**
 * Where nodes and members hear each other without the journal: core NATS. Words may be lost, and are when nobody listens. A node whose
 * journal is its own has nobody to talk to, and no such wire.
 *
 * A word reaches everybody who listens for it, whoever said it: a node knows by its own voice that the wire is whole.
 */
export interface LiveWire {
  /** Sends, or drops the word where the wire is cut. Never throws, never queues. */
  say(subject: string, text: string): void;
  /** Subjects may hold the wildcard `*` for one token. Lives on when the wire was cut and mended. Returns what ends it. */
  listen(subject: string, onMessage: (message: LiveMessage) => void): () => void;
  /**
   * Told at once what is the case, and at every change. A wire on which the server refuses one of the subjects that are listened to
   * counts as cut: whoever concludes something from silence must not do so there. Returns what ends it.
   */
  watch(onChange: (isConnected: boolean) => void): () => void;
  /** Name of the server that it is connected to, for people; null while it is cut. */
  readonly server: string | null;
  /**
   * Leaves the server that this wire, and the journal with it, is connected to for another one, where there is another. `reason` is for
   * people: it ends a sentence.
   */
  leave(reason: string): void;
}

/** For example `muster-live.demo.node.lb-1`; `*` stands for all nodes. */
export function announcementSubject(cluster: string, node: string): string {
  return `${PREFIX}.${cluster}.node.${node}`;
}

/** For example `muster-live.demo.lease.spells.spells-1`; `*` stands for all pools or backends. */
export function heartbeatSubject(cluster: string, { pool, backend }: { pool: string; backend: string }): string {
  return `${PREFIX}.${cluster}.lease.${pool}.${backend}`;
}

/** The member that a heartbeat's subject names, or null. */
export function parseHeartbeatSubject(subject: string): { readonly pool: string; readonly backend: string } | null {
  const [prefix, , kind, pool = '', backend = '', ...rest] = subject.split('.');
  if (prefix !== PREFIX || kind !== 'lease' || rest.length > 0 || !isName(pool) || !isName(backend)) return null;
  return { pool, backend };
}

const heartbeatSchema = z.object({
  /** Where the member answers, as it registered itself. A heartbeat for another target keeps nobody alive. */
  target: z.string().min(1).max(300),
  /** Asks what became of the member's registration at this revision; nodes that have folded it answer. */
  revision: z.int().min(1).optional(),
});
export type Heartbeat = z.output<typeof heartbeatSchema>;

/**
 * What a node answers a heartbeat that it cannot place, or one that asks, to the message's reply subject. A node that knows the
 * member and is asked nothing says nothing.
 */
const heartbeatAnswerSchema = z.discriminatedUnion('standing', [
  /** It is not in the roster: its lease ran out, or the journal was made anew. It should register again. */
  z.object({ standing: z.literal('unknown') }),
  /** Somebody took it out on purpose, or gave its name another target. It should not come back by itself. */
  z.object({
    standing: z.literal('removed'),
    revision: z.int().min(0),
    origin: z.string().nullable(),
    reason: z.string().nullable(),
  }),
  /** The registration that was asked about is what the roster holds. */
  z.object({ standing: z.literal('accepted'), revision: z.int().min(0) }),
  /** The nodes passed the registration over, every one of them: why, and for people what to do. */
  z.object({
    standing: z.literal('rejected'),
    revision: z.int().min(0),
    reason: z.string().max(64),
    message: z.string().max(1_000),
  }),
]);
export type HeartbeatAnswer = z.output<typeof heartbeatAnswerSchema>;

/** What a node has bound, as a bind of a config says it: `0.0.0.0:8080`, `unix:/run/lb.sock`. */
const boundSchema = z.object({
  /** Equal for two nodes that share one network: there the loopback of one is that of the other. */
  machine: z.string().min(1).max(64),
  /** Literal addresses that lead to the machine from elsewhere. */
  hosts: z.array(z.string().max(64)).max(64),
  /** Null: it has no admin API. */
  admin: z.string().max(300).nullable(),
  listeners: z.array(z.string().max(300)).max(256),
});
export type BoundAddresses = z.output<typeof boundSchema>;

/** Characters of all addresses in one announcement, which has to stay below `LIVE_WORD_CHARACTERS_MAX`; what is beyond is left out. */
const BOUND_CHARACTERS_MAX = 2_400;

/** As much of it as an announcement has room for: the admin API, then hosts, then listeners. */
export function fittedBound({ machine, hosts, admin, listeners }: BoundAddresses): BoundAddresses {
  let left = BOUND_CHARACTERS_MAX - (admin?.length ?? 0);
  const fits = (text: string): boolean => (left -= JSON.stringify(text).length + 1) >= 0;
  return { machine, hosts: hosts.slice(0, 16).filter(fits), admin, listeners: listeners.slice(0, 256).filter(fits) };
}

/** Whose lease it is, as `describeHolder` says it: `spells/spells-1`, or `node lb-2`. */
const holderSchema = z.string().min(3).max(140);
/** Doubts in one announcement, and answers to those of others. */
export const DOUBTS_MAX = 256;

const announcementSchema = z.object({
  node: nameSchema,
  /** Made anew at each start: two processes under one name are told apart by it. */
  instance: z.string().min(1).max(64),
  /** The version of the node's software. */
  version: z.string().min(1).max(64),
  epoch: z.string().min(1).max(128),
  revision: z.int().min(0),
  /** The roster's hash at that revision. */
  hash: z.string().regex(HASH_PATTERN),
  /** Events that the journal has and this node has not folded, as far as it knows. */
  lag: z.int().min(0),
  /** Revision of the newest snapshot that this node saved or loaded; 0 for none. */
  snapshotRevision: z.int().min(0),
  /**
   * Whether the sender is the node that it is called after. `awaited`: it would be, and listens whether another process is; it speaks
   * for nobody yet. `leaving`: it still is, and stops. Left out by versions that are from their start on.
   */
  name: z.enum(['held', 'awaited', 'leaving']).optional(),
  /** The revision of the `NodeStarted` by which it holds the name; 0, or left out, where there is none that it knows of. */
  startedRevision: z.int().min(0).optional(),
  /** What no other node should dial for a publisher. Left out by older versions; what cannot be read counts as left out. */
  bound: boundSchema.optional().catch(undefined),
  /** Whose leases are nearly over, as far as this node hears. It asks every other node for what that has heard of them. */
  doubts: z.array(holderSchema).max(DOUBTS_MAX).optional().catch(undefined),
  /**
   * Answers to what others doubt, for example `[["spells/spells-1", 1200], ["node lb-2", null]]`: how many ms ago this node heard each
   * with its own ears; null where it did not within the lease. Left out by versions that are not to be asked.
   */
  hears: z
    .array(z.tuple([holderSchema, z.int().min(0).max(86_400_000).nullable()]))
    .max(DOUBTS_MAX)
    .optional()
    .catch(undefined),
});
/** Said once a second. */
export type Announcement = z.output<typeof announcementSchema>;

const NO_DOUBTS_CHARACTERS = ',"doubts":[],"hears":[]'.length;

/** Characters that an announcement without doubts and answers leaves for them; at least 800, however much its node has bound. */
export function announcementRoom(announcement: Announcement): number {
  return LIVE_WORD_CHARACTERS_MAX - JSON.stringify(announcement).length - NO_DOUBTS_CHARACTERS;
}

/** As many of the first entries as fit into so many characters of JSON, with a comma after each. */
export function fittedEntries<Entry>(entries: Iterable<Entry>, characters: number): Entry[] {
  const fitted: Entry[] = [];
  let left = characters;
  for (const entry of entries) {
    left -= JSON.stringify(entry).length + 1;
    if (left < 0 || fitted.length >= DOUBTS_MAX) break;
    fitted.push(entry);
  }
  return fitted;
}

/** An announcement, or null for text that is none. Its subject must name the same node. */
export function parseAnnouncement(cluster: string, subject: string, text: string): Announcement | null {
  const announcement = parseWord(announcementSchema, text);
  return announcement !== null && subject === announcementSubject(cluster, announcement.node) ? announcement : null;
}

export function parseHeartbeat(text: string): Heartbeat | null {
  return parseWord(heartbeatSchema, text);
}

export function parseHeartbeatAnswer(text: string): HeartbeatAnswer | null {
  return parseWord(heartbeatAnswerSchema, text);
}

function parseWord<Word>(schema: z.ZodType<Word>, text: string): Word | null {
  if (text.length > LIVE_WORD_CHARACTERS_MAX) return null;
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
