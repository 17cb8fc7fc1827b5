/**
 * The same roster in other words: every text that a person or a program chose freely, handed through a function.
 *
 * It is for whoever hands a roster on and must leave something out. What decides where traffic goes (ids, targets, modes, the
 * words of a policy) is no free text and stays. Digests follow from the texts, so the hash of a roster that was reworded is
 * another one. Entities that nothing changes in are shared with the original.
 */
import { addDigests, backendDigest, listenerDigest, nodeDigest, poolDigest } from './hash.ts';
import type { Backend, NodeRecord, Observation, Reasoned, Roster, Digest } from './roster.ts';
import { mapOf, type SortedMap } from './sorted-map.ts';

/** Gives the text that takes the place of another; `field`: the nearest name that it stands under, for example `reason`. */
export type Reword = (text: string, field: string) => string;

/** Fields of events and rosters whose texts are of a fixed vocabulary, or decide where traffic goes. */
const FIXED_FIELDS = new Set([
  'type',
  'policy',
  'hashKey',
  'mode',
  'target',
  'bind',
  'protocol',
  'pool',
  'nodes',
  'healthView',
  'onRemoval',
  'accessLog',
  'forwardedFields',
  'trustedProxies',
]);

/** O(n) in the size of the roster. */
export function rewordRoster(roster: Roster, reword: Reword): Roster {
  const sum = { digest: { high: 0, low: 0 } };
  const origin = (text: string | null): string | null => (text === null ? null : reword(text, 'origin'));
  return {
    ...roster,
    listeners: mapValues(roster.listeners, sum, (listener) => {
      const described = { ...listener, spec: rewordFree(listener.spec, reword), origin: origin(listener.origin) };
      return { ...described, digest: listenerDigest(described) };
    }),
    pools: mapValues(roster.pools, sum, (pool) => {
      const described = { ...pool, spec: rewordFree(pool.spec, reword), origin: origin(pool.origin) };
      const backends = mapValues(pool.backends, sum, (backend) => rewordBackend(backend, reword));
      return { ...described, backends, digest: poolDigest(described) };
    }),
    nodes: mapValues(roster.nodes, sum, (node): NodeRecord => {
      const described = { ...node, state: rewordReason(node.state, reword) };
      return described.state === node.state ? node : { ...described, digest: nodeDigest(described) };
    }),
    digest: sum.digest,
  };
}

/** A value of JSON with every free text in it reworded; the very same value where nothing changes. */
export function rewordFree<Value>(value: Value, reword: Reword): Value {
  return rewordValue(value, '', (text, field) => (FIXED_FIELDS.has(field) ? text : reword(text, field))) as Value;
}

/** As `rewordFree`, for what may be anything: no field is taken to have a fixed vocabulary. */
export function rewordAll(value: unknown, reword: Reword): unknown {
  return rewordValue(value, '', reword);
}

function rewordValue(value: unknown, field: string, reword: Reword): unknown {
  if (typeof value === 'string') return reword(value, field);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => rewordValue(item, field, reword));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  const before = Object.entries(value);
  const after = before.map(([name, inner]): [string, unknown] => [name, rewordValue(inner, name, reword)]);
  return after.some(([, inner], index) => inner !== before[index]![1]) ? Object.fromEntries(after) : value;
}

function rewordBackend(backend: Backend, reword: Reword): Backend {
  const origin = backend.origin === null ? null : reword(backend.origin, 'origin');
  const modeOrigin = backend.mode.origin === null ? null : reword(backend.mode.origin, 'origin');
  const reasoned = rewordReason(backend.mode, reword);
  const mode = modeOrigin === reasoned.origin ? reasoned : { ...reasoned, origin: modeOrigin };
  const observations = backend.observations.map((observation): Observation => {
    const health = rewordReason(observation.health, reword);
    const ejection = rewordReason(observation.ejection, reword);
    const isSame = health === observation.health && ejection === observation.ejection;
    return isSame ? observation : { ...observation, health, ejection };
  });
  const isSeenAlike = observations.every((observation, index) => observation === backend.observations[index]);
  if (origin === backend.origin && mode === backend.mode && isSeenAlike) return backend;
  const described = { ...backend, origin, mode, observations };
  return { ...described, digest: backendDigest(described) };
}

function rewordReason<Value extends Reasoned<unknown>>(reasoned: Value, reword: Reword): Value {
  if (reasoned.reason === null) return reasoned;
  const reason = reword(reasoned.reason, 'reason');
  return reason === reasoned.reason ? reasoned : { ...reasoned, reason };
}

function mapValues<Value extends { readonly id: string; readonly digest: Digest }>(
  map: SortedMap<Value>,
  sum: { digest: Digest },
  change: (value: Value) => Value,
): SortedMap<Value> {
  const entries = [...map.values()].map((value): [string, Value] => {
    const changed = change(value);
    sum.digest = addDigests(sum.digest, changed.digest);
    return [value.id, changed];
  });
  return mapOf(entries);
}
