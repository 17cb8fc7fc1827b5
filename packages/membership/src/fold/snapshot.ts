/**
 * Snapshots: a roster as text, so that a reader can start from it and fold only the tail.
 *
 * The text carries the hash it must have. Decoding rebuilds every digest and refuses a text whose content does not
 * add up to it, so a damaged snapshot is noticed instead of served.
 */
import { z } from 'zod';
import { listenerSpecSchema, poolSpecSchema, type ListenerSpec, type PoolSpec } from '../vocabulary/event.ts';
import { addDigests, backendDigest, listenerDigest, nodeDigest, poolDigest, rosterHash } from './hash.ts';
import {
  emptyRoster,
  type Backend,
  type Digest,
  type Listener,
  type NodeRecord,
  type Pool,
  type Roster,
  type Sourced,
} from './roster.ts';
import { mapOf, type SortedMap } from './sorted-map.ts';

/** The version of this text. Another one is refused; the reader then folds from an older snapshot or the start. */
const SNAPSHOT_FORMAT = 3;

const revision = z.int().min(0);
const reasoned = <Value extends z.ZodType>(value: Value) =>
  z.strictObject({ value, revision, timeMs: z.number(), reason: z.string().nullable() });

/** A backend as it stands in the text. */
type BackendText = Omit<Backend, 'pool' | 'digest' | 'target'> & {
  readonly target: Sourced<string> & { readonly timeMs?: number };
};
const owned = { origin: z.string().nullable(), revision };
/** Its keys stand in the order of the roster's own, so that encoding what was decoded gives the same text. */
const snapshotSchema = z.strictObject({
  format: z.literal(SNAPSHOT_FORMAT),
  cluster: z.string(),
  revision,
  timeMs: z.number(),
  rejectedCount: z.int().min(0),
  hash: z.string(),
  listeners: z.array(z.strictObject({ id: z.string(), spec: listenerSpecSchema, ...owned })),
  pools: z.array(
    z.strictObject({
      id: z.string(),
      spec: poolSpecSchema,
      ...owned,
      changedRevision: revision,
      // Not looked into: they are most of the text, a schema doubles the time to read it, and the hash covers them.
      backends: z.array(z.custom<BackendText>()),
    }),
  ),
  nodes: z.array(
    z.strictObject({
      id: z.string(),
      state: reasoned(z.enum(['started', 'stopped'])),
      leaseMs: z.int().min(1).nullable(),
    }),
  ),
});
type SnapshotText = z.output<typeof snapshotSchema>;

export type DecodedSnapshot =
  | { readonly outcome: 'decoded'; readonly roster: Roster }
  | {
      readonly outcome: 'unreadable';
      readonly reason: 'not-a-snapshot' | 'other-format' | 'hash-differs';
      readonly message: string;
    };

/** JSON text of about 270 bytes a backend. For 10,000 backends that is some 70 ms in one go. */
export function encodeSnapshot(roster: Roster): string {
  return [...snapshotParts(roster)].join('');
}

/** Backends in one part. */
const PART_BACKENDS = 256;

/** The same text in parts of about 2 ms each, for whoever must not be kept from other work. */
export function* snapshotParts(roster: Roster): Generator<string, void> {
  const { cluster, revision, timeMs, rejectedCount } = roster;
  const head = { format: SNAPSHOT_FORMAT, cluster, revision, timeMs, rejectedCount, hash: rosterHash(roster) };
  const listeners = [...roster.listeners.values()].map(({ digest: _digest, ...listener }) => listener);
  yield `${withoutBrace(head)},"listeners":${JSON.stringify(listeners)},"pools":[`;
  let separator = '';
  for (const { digest: _digest, backends, ...pool } of roster.pools.values()) {
    yield `${separator}${withoutBrace(pool)},"backends":[`;
    yield* backendParts(backends.values());
    yield ']}';
    separator = ',';
  }
  const nodes = [...roster.nodes.values()].map(({ digest: _digest, ...node }) => node);
  yield `],"nodes":${JSON.stringify(nodes)}}`;
}

function* backendParts(backends: Iterator<Backend>): Generator<string, void> {
  let separator = '';
  for (;;) {
    const part: string[] = [];
    for (let next = backends.next(); !next.done; next = backends.next()) {
      part.push(encodeBackend(next.value));
      if (part.length === PART_BACKENDS) break;
    }
    if (part.length === 0) return;
    yield separator + part.join(',');
    separator = ',';
  }
}

function encodeBackend({ digest: _digest, pool: _pool, ...backend }: Backend): string {
  return JSON.stringify(backend);
}

/** A JSON object's text, open for more fields. */
function withoutBrace(value: object): string {
  return JSON.stringify(value).slice(0, -1);
}

/** The roster again, equal to the one that was encoded down to its hash; or why the text cannot be trusted. */
export function decodeSnapshot(text: string): DecodedSnapshot {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return { outcome: 'unreadable', reason: 'not-a-snapshot', message: `not JSON: ${(error as Error).message}` };
  }
  const format = (body as { format?: unknown } | null)?.format;
  if (format !== SNAPSHOT_FORMAT) {
    const shown =
      typeof format === 'number' || typeof format === 'string' ? String(format).slice(0, 40) : typeof format;
    const message = `snapshot format ${shown}; this reader knows ${SNAPSHOT_FORMAT}`;
    return { outcome: 'unreadable', reason: 'other-format', message };
  }
  const parsed = snapshotSchema.safeParse(body);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    return { outcome: 'unreadable', reason: 'not-a-snapshot', message: `${path.join('.')}: ${message}` };
  }
  let roster: Roster;
  try {
    roster = rosterOf(parsed.data);
  } catch (error) {
    return { outcome: 'unreadable', reason: 'not-a-snapshot', message: `a backend: ${(error as Error).message}` };
  }
  if (rosterHash(roster) === parsed.data.hash) return { outcome: 'decoded', roster };
  const message = `the content has hash ${rosterHash(roster)}, the snapshot says ${parsed.data.hash}`;
  return { outcome: 'unreadable', reason: 'hash-differs', message };
}

function rosterOf({ format: _format, hash: _hash, listeners, pools, nodes, ...head }: SnapshotText): Roster {
  const sum = { digest: { high: 0, low: 0 } };
  return {
    ...emptyRoster(head.cluster),
    ...head,
    listeners: rebuild(listeners, sum, (entry): Listener => {
      const listener = { ...entry, spec: entry.spec satisfies ListenerSpec };
      return { ...listener, digest: listenerDigest(listener) };
    }),
    pools: rebuild(pools, sum, ({ backends, ...entry }): Pool => {
      const pool = { ...entry, spec: entry.spec satisfies PoolSpec };
      return { ...pool, backends: rebuildBackends(pool.id, backends, sum), digest: poolDigest(pool) };
    }),
    nodes: rebuild(nodes, sum, (entry): NodeRecord => ({ ...entry, digest: nodeDigest(entry) })),
    digest: sum.digest,
  };
}

function rebuildBackends(pool: string, entries: readonly BackendText[], sum: { digest: Digest }): SortedMap<Backend> {
  return rebuild(entries, sum, (entry) => {
    // Field by field, in the fold's own order: one shape in memory, and nothing that the hash does not know.
    const { id, target, weight, mode, leaseMs, observations, origin, revision: newest } = entry;
    // Texts of earlier versions do not say when: long ago.
    const dated = { value: target.value, revision: target.revision, timeMs: target.timeMs ?? 0 };
    const described = { pool, id, target: dated, weight, mode, leaseMs: leaseMs ?? null, observations };
    const backend = { ...described, origin: origin ?? null, revision: newest };
    return { ...backend, digest: backendDigest(backend) };
  });
}

function rebuild<Entry extends { id: string }, Value extends { digest: Digest }>(
  entries: readonly Entry[],
  sum: { digest: Digest },
  make: (entry: Entry) => Value,
): SortedMap<Value> {
  const pairs = entries.map((entry): [string, Value] => {
    const value = make(entry);
    sum.digest = addDigests(sum.digest, value.digest);
    return [entry.id, value];
  });
  return mapOf(pairs);
}
