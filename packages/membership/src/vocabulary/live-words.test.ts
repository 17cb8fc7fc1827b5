/** Live words: what is heard as one, and that nothing that comes over the wire makes a listener fail. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  announcementSubject,
  fittedBound,
  heartbeatSubject,
  LIVE_WORD_CHARACTERS_MAX,
  parseAnnouncement,
  parseHeartbeat,
  parseHeartbeatAnswer,
  parseHeartbeatSubject,
} from './live-words.ts';

const announcement = {
  node: 'lb-1',
  instance: '6f1c',
  version: '0.1.0',
  epoch: '2027-01-15T08:00:00Z',
  revision: 42,
  hash: '9f86d081884c7d65',
  lag: 0,
  snapshotRevision: 0,
};
const subject = announcementSubject('demo', 'lb-1');
const heard = (changes: object, on = subject) =>
  parseAnnouncement('demo', on, JSON.stringify({ ...announcement, ...changes }));

describe('an announcement', () => {
  test('reads back', () => {
    expect(subject).toBe('muster-live.demo.node.lb-1');
    expect(heard({})).toEqual(announcement);
  });

  test('of a later version is heard without the fields that are new', () => {
    expect(heard({ zone: 'b' })).toEqual(announcement);
  });

  test.each([
    ['another node than its subject', { node: 'lb-2' }],
    ['a name that is none', { node: 'LB 1' }],
    ['no instance', { instance: '' }],
    ['a short hash', { hash: '9f86' }],
    ['a hash in capitals', { hash: '9F86D081884C7D65' }],
    ['a revision before the first', { revision: -1 }],
    ['half a revision', { revision: 1.5 }],
    ['no lag', { lag: undefined }],
  ])('with %s is passed over', (_what, changes) => expect(heard(changes)).toBeNull());

  test('says what the node has bound, and is heard without it where that cannot be read', () => {
    const bound = { machine: 'm', hosts: ['10.0.0.5'], admin: '127.0.0.1:9900', listeners: ['0.0.0.0:8080'] };
    expect(heard({ bound })).toEqual({ ...announcement, bound });
    for (const broken of [
      null,
      7,
      {},
      { ...bound, hosts: 'all' },
      { ...bound, admin: 7 },
      { ...bound, listeners: [1] },
    ])
      expect(heard({ bound: broken })).toEqual(announcement);
  });

  test('is short enough to be heard, whatever the node has bound, and names the admin API first', () => {
    const long = { ...announcement, instance: 'i'.repeat(64), version: 'v'.repeat(64), epoch: 'e'.repeat(128) };
    const text = fc.string({ maxLength: 120, unit: 'binary' });
    const many = {
      hosts: fc.array(text, { maxLength: 100 }),
      listeners: fc.array(text, { minLength: 40, maxLength: 400 }),
    };
    fc.assert(
      fc.property(
        fc.record({ machine: fc.constant('m'.repeat(16)), admin: fc.constant('a'.repeat(300)), ...many }),
        (all) => {
          const bound = fittedBound(all);
          expect(JSON.stringify({ ...long, bound }).length).toBeLessThanOrEqual(LIVE_WORD_CHARACTERS_MAX);
          expect(bound.admin).toBe(all.admin);
        },
      ),
    );
  });

  test.each(['muster-live.other.node.lb-1', 'muster-live.demo.node.lb-2', 'muster.demo.node.lb-1', ''])(
    'on %j is passed over',
    (on) => expect(heard({}, on)).toBeNull(),
  );
});

describe('a heartbeat', () => {
  test('names its member by the subject and its target by the text', () => {
    const member = { pool: 'spells', backend: 'spells-1' };
    expect(heartbeatSubject('demo', member)).toBe('muster-live.demo.lease.spells.spells-1');
    expect(parseHeartbeatSubject(heartbeatSubject('demo', member))).toEqual(member);
    expect(parseHeartbeat('{"target":"10.0.0.5:8001"}')).toEqual({ target: '10.0.0.5:8001' });
  });

  test.each([
    'muster-live.demo.lease.spells',
    'muster-live.demo.lease.spells.spells-1.more',
    'muster-live.demo.lease.spells.*',
    'muster-live.demo.lease..spells-1',
    'muster-live.demo.node.lb-1',
    'muster.demo.lease.spells.spells-1',
    '',
  ])('on %j names nobody', (text) => expect(parseHeartbeatSubject(text)).toBeNull());

  test.each(['', 'null', '[]', '{}', '{"target":""}', '{"target":1}', '{"target":"10.0.0.5:8001"'])(
    'that says %j is passed over',
    (text) => expect(parseHeartbeat(text)).toBeNull(),
  );

  test('that is too long is passed over unread', () => {
    const text = '{"target":"10.0.0.5:8001"}';
    expect(parseHeartbeat(text.padEnd(LIVE_WORD_CHARACTERS_MAX))).not.toBeNull();
    expect(parseHeartbeat(text.padEnd(LIVE_WORD_CHARACTERS_MAX + 1))).toBeNull();
  });

  test('is answered with what became of the member', () => {
    const removed = { standing: 'removed', revision: 14, origin: 'cli:alice', reason: null };
    expect(parseHeartbeatAnswer('{"standing":"unknown"}')).toEqual({ standing: 'unknown' });
    expect(parseHeartbeatAnswer(JSON.stringify(removed))).toEqual(removed);
    expect(parseHeartbeatAnswer('{"standing":"removed"}')).toBeNull();
    expect(parseHeartbeatAnswer('{"standing":"alive"}')).toBeNull();
  });
});

test('nothing that is said makes a listener fail', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc.string({ minLength: LIVE_WORD_CHARACTERS_MAX, maxLength: LIVE_WORD_CHARACTERS_MAX + 2 }),
    fc.integer({ min: 1, max: LIVE_WORD_CHARACTERS_MAX / 2 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
    fc
      .record({ field: fc.constantFrom(...Object.keys(announcement)), value: fc.jsonValue() })
      .map(({ field, value }) => JSON.stringify({ ...announcement, [field]: value })),
  );
  fc.assert(
    fc.property(anything, fc.oneof(fc.string(), fc.constant(subject)), (text, on) => {
      const said = parseAnnouncement('demo', on, text);
      expect(said === null || on === announcementSubject('demo', said.node)).toBe(true);
      const heartbeat = parseHeartbeat(text);
      expect(heartbeat === null || typeof heartbeat.target === 'string').toBe(true);
      const answer = parseHeartbeatAnswer(text);
      expect(answer === null || ['unknown', 'removed'].includes(answer.standing)).toBe(true);
      const member = parseHeartbeatSubject(on);
      expect(member === null || heartbeatSubject(on.split('.')[1]!, member) === on).toBe(true);
    }),
    { numRuns: 500 },
  );
});
