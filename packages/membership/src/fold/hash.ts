/**
 * The roster's hash: 64 bits, kept up to date in O(1) per event.
 *
 * Every entity (listener, pool, backend with its observations, node) has a digest of its own fields in a fixed order; the
 * roster's digest is their sum, lane by lane, modulo 2^32. A sum does not care for order, so an event subtracts the
 * entity's old digest and adds its new one, whatever the size of the roster. This is the additive set hash of Bellare
 * and Micciancio ("A New Paradigm for Collision-free Hashing", 1997) with a small non-cryptographic inner hash: it
 * finds nodes that disagree by accident or by a defect; it does not resist someone who builds collisions.
 *
 * The inner hash is two lanes of multiply-and-xor over the fields' UTF-16 units with MurmurHash3's finaliser
 * (Appleby, 2011), computed with `Math.imul`, so it is the same on every machine.
 */
import type { Backend, Digest, Listener, NodeRecord, Pool, Reasoned, Roster } from './roster.ts';

/** The roster's hash as 16 hexadecimal digits, for example `9f86d081884c7d65`. */
export function rosterHash({ digest }: Pick<Roster, 'digest'>): string {
  return hex(digest.high) + hex(digest.low);
}

/** `total` with `before` taken out and `after` put in; null stands for an entity that is not there. */
export function replaceDigest(total: Digest, before: Digest | null, after: Digest | null): Digest {
  const high = total.high - (before?.high ?? 0) + (after?.high ?? 0);
  const low = total.low - (before?.low ?? 0) + (after?.low ?? 0);
  return { high: high | 0, low: low | 0 };
}

export function addDigests(total: Digest, other: Digest): Digest {
  return { high: (total.high + other.high) | 0, low: (total.low + other.low) | 0 };
}

export function listenerDigest(listener: Omit<Listener, 'digest'>): Digest {
  start('listener');
  mixText(listener.id);
  mixNumber(listener.revision);
  mixText(listener.origin ?? '');
  mixText(JSON.stringify(listener.spec));
  return finish();
}

export function poolDigest(pool: Pick<Pool, 'id' | 'spec' | 'origin' | 'revision'>): Digest {
  start('pool');
  mixText(pool.id);
  mixNumber(pool.revision);
  mixText(pool.origin ?? '');
  mixText(JSON.stringify(pool.spec));
  return finish();
}

export function nodeDigest(node: Omit<NodeRecord, 'digest'>): Digest {
  start('node');
  mixText(node.id);
  mixReasoned(node.state);
  mixNumber(node.leaseMs ?? 0);
  return finish();
}

export function backendDigest(backend: Omit<Backend, 'digest'>): Digest {
  const { target, weight, mode, leaseMs, observations } = backend;
  start('backend');
  mixText(backend.pool);
  mixText(backend.id);
  mixNumber(backend.revision);
  mixText(backend.origin ?? '');
  mixText(target.value);
  mixNumber(target.revision);
  mixNumber(weight.value);
  mixNumber(weight.revision);
  mixReasoned(mode);
  mixText(mode.origin ?? '');
  mixNumber(leaseMs ?? 0);
  for (const { node, health, ejection } of observations) {
    mixText(node);
    mixReasoned(health);
    mixReasoned(ejection);
  }
  return finish();
}

function mixReasoned({ value, revision, reason }: Reasoned<string>): void {
  mixText(value);
  mixNumber(revision);
  mixText(reason ?? '');
}

// The digest under way. Field by field into two lanes, without building the text: this runs once for every event.
let high = 0;
let low = 0;

function start(kind: string): void {
  high = 0x9e3779b9;
  low = 0x85ebca6b;
  mixText(kind);
}

/** Each text ends in a mark that no UTF-16 unit equals, so that "ab","c" and "a","bc" differ. */
function mixText(text: string): void {
  for (let index = 0; index < text.length; index++) mix(text.charCodeAt(index));
  mix(END_OF_FIELD);
}

/** Whole numbers up to 2^53. */
function mixNumber(value: number): void {
  mix(value >>> 0);
  mix(Math.floor(value / 2 ** 32));
}

const END_OF_FIELD = 0x10000;

function mix(unit: number): void {
  high = Math.imul(high ^ unit, 0x9e3779b1);
  high = (high << 13) | (high >>> 19);
  low = Math.imul(low ^ unit, 0x5f356495);
  low ^= low >>> 15;
}

function finish(): Digest {
  return { high: finalise(high), low: finalise(low ^ Math.imul(high, 0x85ebca77)) };
}

function finalise(lane: number): number {
  let mixed = lane;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0');
}
