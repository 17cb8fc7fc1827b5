/** The fold as given / when / then, and its invariants as properties over generated histories. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold } from './evolve.ts';
import { generatedHistory } from '../../testing/index.ts';
import { addDigests, rosterHash } from './hash.ts';
import type { RecordedEvent, RejectionReason } from '../vocabulary/recorded-event.ts';
import { emptyRoster, observationBy, type Digest, type Roster } from './roster.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

const given = (...events: [entity: string, event: object | string][]): RecordedEvent[] =>
  events.map(([entity, event], index) => ({
    revision: index + 1,
    timeMs: 1_000 * (index + 1),
    id: `event-${index + 1}`,
    subject: entity.startsWith('!') ? entity.slice(1) : `muster.demo.${entity}`,
    origin: 'test',
    payload: typeof event === 'string' ? event : JSON.stringify(event),
  }));

function folded(events: readonly RecordedEvent[], from = emptyRoster('demo')) {
  let roster = from;
  const rejections: [number, RejectionReason][] = [];
  for (const event of events) {
    const outcome = fold(roster, event);
    roster = outcome.roster;
    if (outcome.rejection) rejections.push([outcome.rejection.revision, outcome.rejection.reason]);
  }
  return { roster, rejections };
}

const POOL: [string, object] = ['pool.spells', { type: 'PoolDefined', health: { http: '/healthz' } }];
const BACKEND: [string, object] = ['backend.spells.s-1', { type: 'BackendRegistered', target: '127.0.0.1:8001' }];
const backendOf = (roster: Roster) => roster.pools.get('spells')!.backends.get('s-1')!;

describe('a backend', () => {
  test('carries the revision of the event that set each of its values', () => {
    const { roster } = folded(
      given(
        POOL,
        BACKEND,
        ['backend.spells.s-1', { type: 'BackendModeSet', mode: 'drain', reason: 'deploy' }],
        ['backend.spells.s-1', { type: 'BackendRegistered', target: '127.0.0.1:8001', weight: 5 }],
        ['health.lb-1.spells.s-1', { type: 'BackendTurnedHealthy', target: '127.0.0.1:8001', reason: 'status 200' }],
      ),
    );
    const backend = backendOf(roster);
    expect(backend.target).toEqual({ value: '127.0.0.1:8001', revision: 2, timeMs: 2_000 });
    expect(backend.weight).toEqual({ value: 5, revision: 4 });
    expect(backend.mode).toEqual({ value: 'drain', revision: 3, timeMs: 3_000, reason: 'deploy', origin: 'test' });
    expect(observationBy('lb-1', backend.observations).health).toMatchObject({ value: 'healthy', revision: 5 });
    expect(observationBy('lb-2', backend.observations).health).toMatchObject({ value: 'unknown', revision: 0 });
  });

  test('forgets what was seen of its old target when it gets a new one, and keeps its mode', () => {
    const { roster } = folded(
      given(
        POOL,
        BACKEND,
        ['backend.spells.s-1', { type: 'BackendModeSet', mode: 'drain' }],
        ['health.lb-1.spells.s-1', { type: 'BackendTurnedUnhealthy', target: '127.0.0.1:8001', reason: 'status 503' }],
        ['backend.spells.s-1', { type: 'BackendRegistered', target: '127.0.0.1:9001' }],
      ),
    );
    expect(backendOf(roster)).toMatchObject({
      target: { value: '127.0.0.1:9001', revision: 5, timeMs: 5_000 },
      mode: { value: 'drain', revision: 3 },
      observations: [],
    });
  });

  test.each([
    { before: 'its own drain, with a lease', origin: 'publisher:s-1', mode: 'drain', leaseMs: 15_000, after: 'ready' },
    {
      before: 'its own drain, without one',
      origin: 'publisher:s-1',
      mode: 'drain',
      leaseMs: undefined,
      after: 'drain',
    },
    { before: "somebody else's drain", origin: 'cli:alice', mode: 'drain', leaseMs: 15_000, after: 'drain' },
    { before: 'its own maint', origin: 'publisher:s-1', mode: 'maint', leaseMs: 15_000, after: 'maint' },
  ])('that registers again after $before is in mode $after', ({ origin, mode, leaseMs, after }) => {
    const [pool, registered, set, again] = given(
      POOL,
      BACKEND,
      ['backend.spells.s-1', { type: 'BackendModeSet', mode }],
      ['backend.spells.s-1', { type: 'BackendRegistered', target: '127.0.0.1:8001', leaseMs }],
    );
    const member = 'publisher:s-1';
    const events = [pool!, { ...registered!, origin: member }, { ...set!, origin }, { ...again!, origin: member }];
    expect(backendOf(folded(events).roster).mode.value).toBe(after);
  });

  test('has the lease of its newest registration, and none when that names none', () => {
    const register = (lease: object): [string, object] => [
      'backend.spells.s-1',
      { type: 'BackendRegistered', target: '127.0.0.1:8001', ...lease },
    ];
    const leaseAfter = (...leases: object[]) => backendOf(folded(given(POOL, ...leases.map(register))).roster).leaseMs;
    expect(leaseAfter({})).toBeNull();
    expect(leaseAfter({ leaseMs: 5_000 }, { leaseMs: 15_000 })).toBe(15_000);
    expect(leaseAfter({ leaseMs: 5_000 }, {})).toBeNull();
  });

  test('is not changed by an observation of a target that it no longer has', () => {
    const { roster, rejections } = folded(
      given(
        POOL,
        BACKEND,
        ['backend.spells.s-1', { type: 'BackendRegistered', target: '127.0.0.1:9001' }],
        ['health.lb-1.spells.s-1', { type: 'BackendTurnedUnhealthy', target: '127.0.0.1:8001', reason: 'late' }],
      ),
    );
    expect(rejections).toEqual([[4, 'other-target']]);
    expect(backendOf(roster).observations).toEqual([]);
  });

  test('leaves with its pool, and with it everything that its hash stood for', () => {
    const { roster } = folded(given(POOL, BACKEND, ['pool.spells', { type: 'PoolRemoved' }]));
    expect(roster.pools.size).toBe(0);
    expect(rosterHash(roster)).toBe(rosterHash(emptyRoster('demo')));
  });
});

describe('a node', () => {
  const NODE = (lease: object): [string, object] => ['node.lb-1', { type: 'NodeStarted', ...lease }];
  const STOPPED: [string, object] = ['node.lb-1', { type: 'NodeStopped', reason: 'lease-expired' }];
  const nodeAfter = (...events: [string, object][]) => folded(given(...events)).roster.nodes.get('lb-1')!;

  test('has the lease of its newest start, and keeps it on record when it stops', () => {
    expect(nodeAfter(NODE({}))).toMatchObject({ state: { value: 'started', revision: 1 }, leaseMs: null });
    expect(nodeAfter(NODE({}), NODE({ leaseMs: 5_000 }))).toMatchObject({ state: { revision: 2 }, leaseMs: 5_000 });
    expect(nodeAfter(NODE({ leaseMs: 5_000 }), STOPPED)).toMatchObject({
      state: { value: 'stopped', reason: 'lease-expired' },
      leaseMs: 5_000,
    });
    expect(nodeAfter(NODE({ leaseMs: 5_000 }), STOPPED, NODE({}))).toMatchObject({
      state: { value: 'started', reason: null },
      leaseMs: null,
    });
  });
});

test.each<[string, [string, object], [string, object]]>([
  ['a lease', BACKEND, [BACKEND[0], { ...BACKEND[1], leaseMs: 5_000 }]],
  [
    'the lease of a node',
    ['node.lb-1', { type: 'NodeStarted' }],
    ['node.lb-1', { type: 'NodeStarted', leaseMs: 5_000 }],
  ],
  [
    'the nodes of a listener',
    ['listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'spells' }],
    ['listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'spells', nodes: ['lb-1'] }],
  ],
  [
    'whose word counts',
    ['pool.web', { type: 'PoolDefined' }],
    ['pool.web', { type: 'PoolDefined', healthView: 'quorum' }],
  ],
])('the hash covers %s, and a snapshot keeps it', (_what, without, having) => {
  const rosters = [without, having].map((event) => folded(given(POOL, event)).roster);
  expect(rosterHash(rosters[0]!)).not.toBe(rosterHash(rosters[1]!));
  expect(decodeSnapshot(encodeSnapshot(rosters[1]!))).toEqual({ outcome: 'decoded', roster: rosters[1] });
});

describe('a clock that steps back', () => {
  const [pool, backend, drained] = given(POOL, BACKEND, [BACKEND[0], { type: 'BackendModeSet', mode: 'drain' }]);

  test('is not followed: the roster keeps its time, and what the event sets has that time', () => {
    const { roster } = folded([pool!, { ...backend!, timeMs: 9_000 }, { ...drained!, timeMs: 4_000 }]);
    expect(roster.timeMs).toBe(9_000);
    expect(backendOf(roster).mode).toMatchObject({ value: 'drain', timeMs: 9_000 });
  });

  test('is not followed by an event that is passed over either', () => {
    const nonsense = { ...drained!, timeMs: 4_000, payload: 'nonsense' };
    const { roster } = folded([pool!, { ...backend!, timeMs: 9_000 }, nonsense]);
    expect(roster).toMatchObject({ timeMs: 9_000, revision: 3, rejectedCount: 1 });
  });
});

test.each<[string, [string, object | string], RejectionReason]>([
  ['an unknown pool', ['backend.nope.s-1', BACKEND[1]], 'unknown-pool'],
  ['an unknown backend', ['backend.spells.s-9', { type: 'BackendModeSet', mode: 'drain' }], 'unknown-backend'],
  ['an unknown listener', ['listener.web', { type: 'ListenerRemoved' }], 'unknown-listener'],
  ['a node that never started', ['node.lb-1', { type: 'NodeStopped' }], 'unknown-node'],
  ['broken JSON', ['pool.spells', '{"type": "PoolRemoved"'], 'broken-json'],
  ['JSON that is no object', ['pool.spells', '[1]'], 'invalid-payload'],
  ['no type', ['pool.spells', {}], 'unknown-type'],
  ['an unknown type', ['pool.spells', { type: 'PoolDefned' }], 'unknown-type'],
  ['a type that every object has', ['pool.spells', { type: 'constructor' }], 'unknown-type'],
  ['a later version', ['pool.spells', { type: 'PoolRemoved', version: 2 }], 'unsupported-version'],
  [
    'a misspelt field',
    ['backend.spells.s-2', { type: 'BackendRegistered', target: 'a:1', wieght: 2 }],
    'invalid-payload',
  ],
  ['a target without a port', ['backend.spells.s-2', { type: 'BackendRegistered', target: 'a' }], 'invalid-payload'],
  [
    'a lease of less than a second',
    ['backend.spells.s-2', { type: 'BackendRegistered', target: 'a:1', leaseMs: 999 }],
    'invalid-payload',
  ],
  [
    'a listener on no node',
    ['listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'spells', nodes: [] }],
    'invalid-payload',
  ],
  ['a weight of 0', ['backend.spells.s-2', { type: 'BackendRegistered', target: 'a:1', weight: 0 }], 'invalid-payload'],
  ['the subject of another kind', ['pool.spells', BACKEND[1]], 'wrong-subject'],
  ['an illegal name', ['pool.Spells', POOL[1]], 'invalid-subject'],
  ['too many names', ['pool.spells.more', POOL[1]], 'invalid-subject'],
  ['another cluster', ['!muster.other.pool.spells', POOL[1]], 'foreign-cluster'],
  ['a payload of 1 MiB', ['pool.spells', JSON.stringify({ type: 'x'.repeat(1_048_576) })], 'payload-too-large'],
])('an event with %s is rejected, moves the revision on and changes nothing', (_what, event, reason) => {
  const before = folded(given(POOL, BACKEND)).roster;
  const rejected = { ...given(event)[0]!, revision: 7 };
  const { roster, rejection } = fold(before, rejected);
  expect(rejection).toMatchObject({ revision: 7, reason });
  expect(rejection!.message.length).toBeLessThan(400);
  expect(roster).toMatchObject({ revision: 7, rejectedCount: 1 });
  expect(rosterHash(roster)).toBe(rosterHash(before));
  expect(roster.pools).toBe(before.pools);
});

test('a misspelt type is answered with the one that was meant', () => {
  const { rejection } = fold(emptyRoster('demo'), given(['pool.a', { type: 'PoolDefned' }])[0]!);
  expect(rejection!.message).toContain('did you mean "PoolDefined"');
});

test("I2: an event at or before the roster's revision changes nothing at all", () => {
  const { roster } = folded(given(POOL, BACKEND));
  const again = fold(roster, given(POOL)[0]!);
  expect(again.roster).toBe(roster);
  expect(again.rejection).toMatchObject({ reason: 'revision-order' });
});

describe('I1: same events, same roster', () => {
  test('whoever folds them, and however they are cut into snapshot and tail', () => {
    fc.assert(
      fc.property(generatedHistory, fc.nat(), (history, cutSeed) => {
        const cut = history.length === 0 ? 0 : cutSeed % history.length;
        const whole = folded(history).roster;
        const decoded = decodeSnapshot(encodeSnapshot(folded(history.slice(0, cut)).roster));
        if (decoded.outcome !== 'decoded') throw new Error(decoded.message);
        const resumed = folded(history.slice(cut), decoded.roster).roster;
        expect(rosterHash(resumed)).toBe(rosterHash(whole));
        expect(encodeSnapshot(resumed)).toBe(encodeSnapshot(whole));
      }),
      { numRuns: 300 },
    );
  });

  test('the hash kept up event by event is the hash of the content', () => {
    fc.assert(
      fc.property(generatedHistory, (history) => {
        const { roster } = folded(history);
        expect(roster.digest).toEqual(contentDigest(roster));
      }),
      { numRuns: 300 },
    );
  });

  test('rosters that differ have different hashes', () => {
    const hashes = new Set<string>();
    const contents = new Set<string>();
    fc.assert(
      fc.property(generatedHistory, (history) => {
        const { roster } = folded(history);
        const { listeners, pools, nodes } = JSON.parse(encodeSnapshot(roster)) as Record<string, unknown>;
        contents.add(JSON.stringify([listeners, pools, nodes]));
        hashes.add(rosterHash(roster));
      }),
      { numRuns: 300 },
    );
    // `changedRevision` is left out of the hash, since it follows from the rest.
    expect(hashes.size).toBeGreaterThan(contents.size * 0.9);
  });

  test('rejected events are the same for everybody, and folding without them gives the same content', () => {
    fc.assert(
      fc.property(generatedHistory, (history) => {
        const { roster, rejections } = folded(history);
        const rejected = new Set(rejections.map(([revision]) => revision));
        const accepted = folded(history.filter(({ revision }) => !rejected.has(revision)));
        expect(accepted.rejections).toEqual([]);
        expect(rosterHash(accepted.roster)).toBe(rosterHash(roster));
        expect(roster.rejectedCount).toBe(rejected.size);
      }),
      { numRuns: 300 },
    );
  });
});

function contentDigest(roster: Roster): Digest {
  let sum: Digest = { high: 0, low: 0 };
  const add = ({ digest }: { digest: Digest }) => (sum = addDigests(sum, digest));
  for (const listener of roster.listeners.values()) add(listener);
  for (const node of roster.nodes.values()) add(node);
  for (const pool of roster.pools.values()) {
    add(pool);
    for (const backend of pool.backends.values()) add(backend);
  }
  return sum;
}
