/** Events as people read them. */
import type { MembershipEventInput, RecordedEvent } from '@muster/membership';
import { expect, test } from 'vitest';
import { describeEvent, eventLine } from './event-text.ts';

function recorded(entity: string, event: MembershipEventInput | string, origin: string | null = null): RecordedEvent {
  const payload = typeof event === 'string' ? event : JSON.stringify(event);
  return {
    revision: 12,
    timeMs: new Date(2026, 0, 2, 12, 3, 4, 5).getTime(),
    id: 'e',
    subject: `muster.default.${entity}`,
    origin,
    payload,
  };
}

test.each<[string, MembershipEventInput | string, string]>([
  ['backend.spells.a', { type: 'BackendRegistered', target: 'h:1' }, 'backend spells/a  registered h:1, weight 1'],
  [
    'backend.spells.a',
    { type: 'BackendModeSet', mode: 'drain', reason: 'deploy' },
    'backend spells/a  set to drain: deploy',
  ],
  ['backend.spells.a', { type: 'BackendDeregistered' }, 'backend spells/a  deregistered'],
  [
    'pool.spells',
    { type: 'PoolDefined', health: { http: '/healthz' } },
    'pool spells  defined: round_robin, connect timeout 5000 ms, health GET /healthz every 5000 ms',
  ],
  ['pool.spells', { type: 'PoolRemoved' }, 'pool spells  removed'],
  [
    'listener.web',
    { type: 'ListenerDefined', bind: 'h:80', pool: 'spells' },
    'listener web  defined on h:80 for pool spells',
  ],
  [
    'listener.web',
    { type: 'ListenerDefined', bind: 'h:80', protocol: 'http', pool: 'spells', nodes: ['lb-1'] },
    'listener web  defined on h:80 (http) for pool spells on lb-1',
  ],
  [
    'listener.web',
    {
      type: 'ListenerDefined',
      bind: 'h:80',
      protocol: 'http',
      routes: [
        { host: 'api.example.com', path: '/v1', pool: 'api', stripPrefix: true },
        { host: '*.example.com', pool: 'web' },
        { path: '/static', pool: 'assets' },
        { pool: 'rest' },
      ],
    },
    'listener web  defined on h:80 (http): api.example.com[/v1] → api, *.example.com → web, */static → assets, and 1 more',
  ],
  ['listener.web', { type: 'ListenerRemoved' }, 'listener web  removed'],
  [
    'health.lb-1.spells.a',
    { type: 'BackendTurnedUnhealthy', target: 'h:1', reason: 'status 503' },
    'backend spells/a  seen by lb-1  turned unhealthy: status 503',
  ],
  [
    'health.lb-1.spells.a',
    { type: 'BackendReinstated', target: 'h:1', reason: 'time served' },
    'backend spells/a  seen by lb-1  reinstated: time served',
  ],
  ['node.lb-1', { type: 'NodeStarted', workers: 2 }, 'node lb-1  started with 2 worker(s)'],
  ['node.lb-1', { type: 'NodeStopped', reason: 'SIGTERM' }, 'node lb-1  stopped: SIGTERM'],
  ['node.lb-1', '{', 'node lb-1  not understood: the payload is not JSON'],
  ['nothing', '{}', 'muster.default.nothing  not a subject'],
])('%s %j', (entity, event, expected) => {
  expect(describeEvent(recorded(entity, event))).toContain(expected);
});

test('the whole line has revision, local time and origin', () => {
  const event = recorded('pool.p', { type: 'PoolRemoved' }, 'cli:alice@host');
  expect(eventLine(event)).toBe('12  12:03:04.005  pool p  removed  (cli:alice@host)');
});

test('nothing that an event says can steer a terminal', () => {
  const event = recorded('pool.p', { type: 'PoolRemoved', reason: 'a\u001b[2Jb\nc\u202e' });
  expect(describeEvent(event)).toBe('pool p  removed: a\\u001b[2Jb\\u000ac\\u202e');
});
