/** Events without their secrets: the same verdicts, and the same roster as the true one without its secrets. */
import * as fc from 'fast-check';
import { emptyRoster, fold, rosterHash, type RecordedEvent, type Rejection, type Roster } from '@muster/membership';
import { expect, test } from 'vitest';
import { redactEvent, redactObservation, redactRoster } from './redacted-records.ts';

const text = fc.constantFrom(
  'status 503',
  'token=abcdefgh',
  'nats://bob:hunter2@10.0.0.1 refused',
  `seed SUA${'A'.repeat(55)}`,
  'a',
  'x'.repeat(500),
  `password=${'x'.repeat(400)}`,
);
const path = fc.constantFrom('/healthz', '/healthz?key=1234&deep=1', '/token/ab12', `/${'a'.repeat(1_000)}?b=c`);
const origin = fc.constantFrom(null, 'config:lb-1', 'nats://s3cr3t@host');
const target = fc.constantFrom('10.0.0.1:80', '10.0.0.2:80', 'http://bob:pw@10.0.0.1');
const reason = fc.option(text, { nil: undefined });

const published = fc.oneof(
  fc.record({
    subject: fc.constant('pool.p'),
    payload: fc.record({ type: fc.constant('PoolDefined'), health: fc.record({ http: path }) }),
  }),
  fc.record({
    subject: fc.constantFrom('backend.p.a', 'backend.q.a'),
    payload: fc.record({ type: fc.constant('BackendRegistered'), target }),
  }),
  fc.record({
    subject: fc.constantFrom('backend.p.a', 'backend.p.b', 'node.token'),
    payload: fc.record({
      type: fc.constant('BackendModeSet'),
      mode: fc.constantFrom('drain', 'ready', 'token=1'),
      reason,
    }),
  }),
  fc.record({
    subject: fc.constant('health.lb-1.p.a'),
    payload: fc.record({ type: fc.constantFrom('BackendTurnedHealthy', 'BackendEjected'), target, reason: text }),
  }),
  fc.record({
    subject: fc.constant('node.lb-1'),
    payload: fc.record({ type: fc.constantFrom('NodeStarted', 'NodeStopped'), reason }),
  }),
  fc.record({ subject: fc.constant('pool.p'), payload: fc.record({ type: fc.constant('PoolDefined'), apiKey: text }) }),
  fc.record({
    subject: text,
    payload: fc.oneof(text, fc.constant('y'.repeat(70_000)), fc.constant(`token=${'y'.repeat(70_000)}`)),
  }),
);

const history: fc.Arbitrary<RecordedEvent[]> = fc.array(fc.tuple(published, origin), { maxLength: 30 }).map((events) =>
  events.map(([{ subject, payload }, by], index) => ({
    revision: index + 1,
    timeMs: index,
    id: `event-${index}`,
    subject: `muster.demo.${subject}`,
    origin: by,
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })),
);

function folded(events: readonly RecordedEvent[]): { roster: Roster; rejections: (Rejection['reason'] | null)[] } {
  let roster = emptyRoster('demo');
  const rejections = events.map((event) => {
    const next = fold(roster, event);
    ({ roster } = next);
    return next.rejection?.reason ?? null;
  });
  return { roster, rejections };
}

const SECRETS = /hunter2|abcdefgh|1234|s3cr3t|ab12|AAAAAAAA|x{400}$/;

test('verdicts stay, the roster is the true one without its secrets, and no secret is left', () => {
  fc.assert(
    fc.property(history, (events) => {
      const redacted = events.map(redactEvent);
      const [before, after] = [folded(events), folded(redacted)];
      expect(after.rejections).toEqual(before.rejections);
      expect(rosterHash(after.roster)).toBe(rosterHash(redactRoster(before.roster)));
      for (const event of redacted) expect(`${event.payload} ${event.subject} ${event.origin}`).not.toMatch(SECRETS);
    }),
    { numRuns: 500 },
  );
});

test('what holds no secret is the very same', () => {
  const [event] = [
    {
      revision: 1,
      timeMs: 0,
      id: 'e',
      subject: 'muster.demo.pool.p',
      origin: 'cli:a',
      payload: '{ "type" : "PoolDefined" }',
    },
  ];
  expect(redactEvent(event)).toBe(event);
  const point = { kind: 'hash', timeMs: 0, node: 'lb-1', epoch: 'e', revision: 1, hash: '9f86d081884c7d65' } as const;
  expect(redactObservation(point)).toBe(point);
});
