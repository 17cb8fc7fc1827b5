/**
 * Generated histories for property tests: recorded events of all kinds over few names, so that they collide often;
 * some of them make no sense, and some are not even JSON.
 */
import * as fc from 'fast-check';
import type { RecordedEvent } from '../src/vocabulary/recorded-event.ts';

const pool = fc.constantFrom('api', 'spells', 'web');
const backend = fc.constantFrom('b-1', 'b-2', 'b-3', 'b-4');
const node = fc.constantFrom('lb-1', 'lb-2');
const listener = fc.constantFrom('front', 'back');
const target = fc.constantFrom('10.0.0.1:8001', '10.0.0.2:8001', '[::1]:8001', 'unix:/run/app.sock');
const mode = fc.constantFrom('ready', 'drain', 'maint');
const observation = fc.constantFrom(
  'BackendTurnedHealthy',
  'BackendTurnedUnhealthy',
  'BackendEjected',
  'BackendReinstated',
);
const health = fc.constantFrom({ tcp: true }, { http: '/healthz', rise: 1 }, undefined);
const healthView = fc.constantFrom('own', 'quorum', undefined);
const panicThreshold = fc.constantFrom(0, 1, undefined);
const slowStartMs = fc.constantFrom(1, 30_000, undefined);
const leaseMs = fc.constantFrom(5_000, 60_000, undefined);
const routes = fc.uniqueArray(
  fc.record({ host: fc.constantFrom('a.test', '*.test', undefined), path: fc.constantFrom('/v1', undefined), pool }),
  {
    minLength: 1,
    maxLength: 4,
    selector: ({ host, path }) => `${host} ${path}`,
  },
);
const nodes = fc.constantFrom(['lb-1'], ['lb-1', 'lb-2'], undefined);

const about = (subject: fc.Arbitrary<string>, payload: fc.Arbitrary<object>) => fc.record({ subject, payload });
const backendSubject = fc.tuple(pool, backend).map(([p, b]) => `muster.demo.backend.${p}.${b}`);

/** Sensible more often than not. */
const sensible = fc.oneof(
  {
    weight: 2,
    arbitrary: about(
      pool.map((p) => `muster.demo.pool.${p}`),
      fc.record({ type: fc.constant('PoolDefined'), health, healthView, panicThreshold, slowStartMs }),
    ),
  },
  {
    weight: 1,
    arbitrary: about(
      pool.map((p) => `muster.demo.pool.${p}`),
      fc.constant({ type: 'PoolRemoved' }),
    ),
  },
  {
    weight: 6,
    arbitrary: about(
      backendSubject,
      fc.record({ type: fc.constant('BackendRegistered'), target, weight: fc.integer({ min: 1, max: 3 }), leaseMs }),
    ),
  },
  { weight: 4, arbitrary: about(backendSubject, fc.record({ type: fc.constant('BackendModeSet'), mode })) },
  { weight: 1, arbitrary: about(backendSubject, fc.constant({ type: 'BackendDeregistered' })) },
  {
    weight: 6,
    arbitrary: about(
      fc.tuple(node, pool, backend).map(([n, p, b]) => `muster.demo.health.${n}.${p}.${b}`),
      fc.record({ type: observation, target, reason: fc.constantFrom('connection refused', 'status 503') }),
    ),
  },
  {
    weight: 2,
    arbitrary: about(
      listener.map((l) => `muster.demo.listener.${l}`),
      fc.oneof(
        fc.record({ type: fc.constant('ListenerDefined'), bind: fc.constant('127.0.0.1:0'), pool, nodes }),
        fc.record({
          type: fc.constant('ListenerDefined'),
          bind: fc.constant('127.0.0.1:0'),
          protocol: fc.constant('http'),
          routes,
        }),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: about(
      listener.map((l) => `muster.demo.listener.${l}`),
      fc.constant({ type: 'ListenerRemoved' }),
    ),
  },
  {
    weight: 1,
    arbitrary: about(
      node.map((n) => `muster.demo.node.${n}`),
      fc.record({ type: fc.constant('NodeStarted'), workers: fc.constantFrom(2, undefined), leaseMs }),
    ),
  },
  {
    weight: 1,
    arbitrary: about(
      node.map((n) => `muster.demo.node.${n}`),
      fc.record({ type: fc.constant('NodeStopped'), reason: fc.constantFrom('lease-expired', undefined) }),
    ),
  },
);

const nonsense = fc.record({
  subject: fc.oneof(
    backendSubject,
    fc.constantFrom('muster.other.pool.api', 'muster.demo.pool', 'muster.demo.pool.UPPER', '', 'a.b.c'),
    fc.string(),
  ),
  payload: fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom(
      '{"type":"BackendRegistred","target":"10.0.0.1:1"}',
      '{"type":"PoolRemoved","version":2}',
      'null',
      '[]',
    ),
  ),
});

/** Up to 80 events with rising revisions (gaps included), by a clock that steps back now and then. */
export const generatedHistory: fc.Arbitrary<RecordedEvent[]> = fc
  .array(
    fc.record({
      event: fc.oneof(
        { weight: 9, arbitrary: sensible.map((e) => ({ subject: e.subject, payload: JSON.stringify(e.payload) })) },
        { weight: 1, arbitrary: nonsense },
      ),
      gap: fc.integer({ min: 1, max: 3 }),
      clockStepMs: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(-1_000) }),
      origin: fc.constantFrom(null, 'cli:alice', 'config:lb-1'),
    }),
    { maxLength: 80 },
  )
  .map((items) => {
    let revision = 0;
    let clockMs = 1_800_000_000_000;
    return items.map(({ event, gap, clockStepMs, origin }) => {
      revision += gap;
      clockMs += gap * 7 + clockStepMs;
      return { revision, timeMs: clockMs, id: `event-${revision}`, origin, ...event };
    });
  });
