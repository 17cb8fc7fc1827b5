/** What a node would reject is refused before it is sent. */
import { expect, test } from 'vitest';
import { checkMember } from './member-options.ts';
import { openPublisher } from './publisher.ts';

const GOOD = { pool: 'spells', id: 'spells-1', target: '10.0.0.5:8001' };

test('fills in the defaults', () => {
  expect(checkMember('demo', GOOD)).toEqual({
    cluster: 'demo',
    pool: 'spells',
    id: 'spells-1',
    registration: { type: 'BackendRegistered', target: '10.0.0.5:8001', weight: 1, leaseMs: 15_000 },
    heartbeatMs: 5_000,
    origin: 'publisher:spells-1',
    answerTimeoutMs: 2_000,
  });
});

test.each([
  [{ pool: 'Spells' }, 'pool "Spells": a name is'],
  [{ id: '' }, 'id "": a name is'],
  [{ id: 'a.b' }, 'id "a.b": a name is'],
  [{ target: '10.0.0.5' }, 'member "spells/spells-1": target: an address is HOST:PORT'],
  [{ target: '10.0.0.5:0' }, 'target: an address is'],
  [{ weight: 0 }, 'weight: '],
  [{ leaseMs: 999 }, 'leaseMs: '],
  [{ leaseMs: 2_000, heartbeatMs: 1_001 }, 'heartbeatMs must be a whole number from 100 to 1000, half of its lease'],
  [{ heartbeatMs: 50 }, 'heartbeatMs must be'],
  [{ origin: 'a\r\nb' }, 'an origin is'],
  [{ answerTimeoutMs: 0 }, 'answerTimeoutMs must be'],
])('refuses %j', (wrong, message) => {
  expect(() => checkMember('demo', { ...GOOD, ...wrong })).toThrow(message);
});

test.each([
  [{ servers: '' }, 'give nats://HOST:PORT'],
  [{ servers: [] }, 'no NATS server is given'],
  [{ servers: 'nats://127.0.0.1:4222', cluster: 'a b' }, 'cluster "a b": a name is'],
])('a publisher refuses %j', (wrong, message) => {
  expect(() => openPublisher(wrong)).toThrow(
    expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining(message) as string }),
  );
});
