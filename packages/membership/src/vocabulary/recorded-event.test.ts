/** The short way through the schemas never differs from them: what it takes they take, with the same result. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventSchemas, type EventType } from './event.ts';
import { usualEvent } from './recorded-event.ts';

const edgeValues = {
  target: [
    '10.0.0.5:8001',
    'host:65535',
    '[::1]:80',
    'unix:/run/app.sock',
    '10.0.0.5:0',
    '10.0.0.5:80\n',
    '1.2.3:80',
    '',
  ],
  reason: ['status 503', 'x'.repeat(500), 'x'.repeat(501), '', '🙂'.repeat(250), '🙂'.repeat(251)],
  weight: [1, 1_000, 0, 1_001, 1.5, -0, '1', true],
  leaseMs: [1_000, 86_400_000, 999, 86_400_001, 1_000.5, 2 ** 53, '5000'],
  mode: ['ready', 'drain', 'maint', 'Ready', ''],
  version: [1, 2, '1'],
  ['__proto__']: [{}],
  constructor: [1],
  extra: [1],
};

const FIELDS = {
  BackendTurnedHealthy: ['target', 'reason'],
  BackendTurnedUnhealthy: ['target', 'reason'],
  BackendEjected: ['target', 'reason'],
  BackendReinstated: ['target', 'reason'],
  BackendModeSet: ['mode', 'reason'],
  BackendRegistered: ['target', 'weight', 'leaseMs'],
} as const satisfies Partial<Record<EventType, readonly (keyof typeof edgeValues)[]>>;

const field = (name: keyof typeof edgeValues) => {
  const edge: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(...edgeValues[name]);
  const value = fc.oneof({ weight: 9, arbitrary: edge }, { weight: 1, arbitrary: fc.jsonValue() });
  return fc.tuple(fc.constant(name), value);
};

/** A payload's object as it comes out of JSON: its fields, most of the time, and perhaps another one; right or not. */
const body = fc
  .constantFrom(...(Object.keys(FIELDS) as (keyof typeof FIELDS)[]))
  .chain((type) =>
    fc.tuple(
      fc.constant(type),
      ...FIELDS[type].map((name) => fc.option(field(name), { freq: 6 })),
      fc.option(fc.constantFrom(...(Object.keys(edgeValues) as (keyof typeof edgeValues)[])).chain(field), { freq: 1 }),
    ),
  )
  .map(([type, ...fields]) => {
    const present = fields.filter((entry) => entry !== null);
    const texts = [['type', type] as const, ...present].map(([name, value]) => `"${name}":${JSON.stringify(value)}`);
    return JSON.parse(`{${texts.join(',')}}`) as Record<string, unknown>;
  });

test('what it takes, the schema takes with the same result', () => {
  let takenCount = 0;
  fc.assert(
    fc.property(body, (given) => {
      const event = usualEvent(given);
      if (event === null) return;
      takenCount += 1;
      expect(eventSchemas[event.type].safeParse(given)).toEqual({ success: true, data: event });
    }),
    { numRuns: 5_000 },
  );
  expect(takenCount).toBeGreaterThan(500);
});

test.each([
  { type: 'BackendTurnedHealthy', target: '10.0.0.5:8001', reason: 'status 200' },
  { type: 'BackendModeSet', mode: 'drain' },
  { type: 'BackendModeSet', mode: 'drain', reason: 'deploy' },
  { type: 'BackendRegistered', target: 'spells-1.internal:8001' },
  { type: 'BackendRegistered', target: '10.0.0.5:8001', weight: 2, leaseMs: 15_000 },
])('%j goes the short way', (given) => expect(usualEvent(given)).toMatchObject(given));

test.each([
  { type: 'BackendModeSet', mode: 'drain', version: 1 },
  { type: 'BackendTurnedHealthy', target: '10.0.0.5:8001' },
  { type: 'BackendRegistered', target: '10.0.0.5:8001', wieght: 2 },
  { type: 'PoolRemoved' },
])('%j is left to the schemas', (given) => expect(usualEvent(given)).toBeNull());
