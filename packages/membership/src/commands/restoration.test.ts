/** What another history lacks of a roster, and that the events bring it. */
import { expect, test } from 'vitest';
import { fold } from '../fold/evolve.ts';
import { holdsAllOf, restorationSteps, type RestorationStep } from './restoration.ts';
import { emptyRoster, type Roster } from '../fold/roster.ts';
import { formatSubject } from '../vocabulary/subject.ts';

type Publication = readonly [entity: string, event: object, origin?: string | null];

function published(roster: Roster, [entity, event, origin]: Publication): Roster {
  const recorded = {
    revision: roster.revision + 1,
    timeMs: 1_000 + roster.revision,
    id: `e-${roster.revision}`,
    subject: `muster.demo.${entity}`,
    origin: origin ?? null,
    payload: JSON.stringify(event),
  };
  const { roster: after, rejection } = fold(roster, recorded);
  expect(rejection).toBeNull();
  return after;
}

function written(roster: Roster, { entity, event, origin }: RestorationStep): Roster {
  const name = formatSubject('demo', entity).slice('muster.demo.'.length);
  return published(roster, [name, event, origin]);
}

const empty = emptyRoster('demo');
function served(): Roster {
  const publications: Publication[] = [
    ['pool.p', { type: 'PoolDefined', policy: 'random' }, 'config:lb-1'],
    ['backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80', weight: 3 }, 'cli:alice'],
    ['backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80', leaseMs: 5_000 }],
    ['backend.p.b-1', { type: 'BackendModeSet', mode: 'drain', reason: 'disk' }, 'cli:bob'],
    ['listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'p' }, 'config:lb-1'],
  ];
  return publications.reduce(published, empty);
}

test('everything that was published is written, in an order that the fold accepts, under who owned it', () => {
  const steps = restorationSteps(served(), empty, 'cli:carol');
  expect(steps.map(({ event, origin }) => [event.type, origin])).toEqual([
    ['PoolDefined', 'config:lb-1'],
    ['BackendRegistered', 'cli:alice'],
    ['BackendRegistered', null],
    ['BackendModeSet', 'cli:bob'],
    ['ListenerDefined', 'config:lb-1'],
  ]);
  for (const { event } of steps) expect(event).toMatchObject({ by: 'cli:carol' });
  const restored = steps.reduce(written, empty);
  expect(restorationSteps(served(), restored)).toEqual([]);
  expect(holdsAllOf(restored, served())).toBe(true);
  expect(restored.pools.get('p')!.backends.get('b-1')).toMatchObject({
    origin: 'cli:alice',
    weight: { value: 3 },
    mode: { value: 'drain', reason: 'disk', origin: 'cli:bob' },
  });
});

test('what the other has beyond it is left alone', () => {
  const more = published(served(), ['backend.p.b-9', { type: 'BackendRegistered', target: '10.0.0.9:80' }]);
  expect(holdsAllOf(more, served())).toBe(true);
  expect(restorationSteps(more, served())).toHaveLength(1);
});

test.for<[string, object, string]>([
  ['backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.7:80', weight: 3 }, 'BackendRegistered'],
  ['backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80', weight: 4 }, 'BackendRegistered'],
  ['backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80' }, 'BackendRegistered'],
  ['backend.p.b-2', { type: 'BackendModeSet', mode: 'maint' }, 'BackendModeSet'],
  ['backend.p.b-2', { type: 'BackendDeregistered' }, 'BackendRegistered'],
  ['pool.p', { type: 'PoolDefined', policy: 'round_robin' }, 'PoolDefined'],
  ['listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:81', pool: 'p' }, 'ListenerDefined'],
  ['listener.web', { type: 'ListenerRemoved' }, 'ListenerDefined'],
])('what differs is a loss: %s by %j needs %s', ([entity, event, types]) => {
  const other = published(served(), [entity, event]);
  expect(holdsAllOf(other, served())).toBe(false);
  const steps = restorationSteps(served(), other);
  expect(steps.map(({ event }) => event.type).join()).toBe(types);
});
