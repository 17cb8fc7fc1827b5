/** A line of the access log as people paste it. */
import { expect, test } from 'vitest';
import { parseAccessLine } from './access-line.ts';

const ATTEMPT = {
  backend: 'spells-1',
  target: '127.0.0.1:8001',
  outcome: 'connect_failed',
  isReused: false,
  startedMs: 0,
  headMs: null,
  revision: 12,
  rosterRevision: 14,
  detail: 'connection refused',
};
const LINE = {
  level: 40,
  time: 1_800_000_000_002,
  node: 'lb-1',
  worker: 0,
  listener: 'web',
  pool: 'spells',
  requestId: '5f-2a',
  client: '192.0.2.1',
  method: 'GET',
  authority: 'example.com',
  path: '/spells',
  queryBytes: 13,
  status: 502,
  termination: 'connect_failed',
  detail: 'connection refused',
  durationMs: 1.5,
  headMs: null,
  requestBytes: 0,
  answerBytes: 22,
  revision: 12,
  rosterRevision: 14,
  attemptsCount: 1,
  attempts: [ATTEMPT],
  msg: 'GET /spells 502 in 1.5 ms by spells-1: no backend could be reached: connection refused',
};

test('is read with or without what a log collector put around it', () => {
  const text = JSON.stringify(LINE);
  const outcome = parseAccessLine(text);
  expect(outcome).toMatchObject({
    ok: true,
    line: {
      node: 'lb-1',
      worker: 0,
      request: { requestId: '5f-2a', timeMs: 1_800_000_000_000.5, pool: 'spells', result: 'connection refused' },
      rosterRevision: 14,
      attempts: [{ backend: 'spells-1', startedAtMs: 0, answeredAtMs: null, rosterRevision: 14 }],
    },
  });
  expect(parseAccessLine(`Nov 28 05:00:01 host muster[77]: ${text}\n`)).toEqual(outcome);
});

test.each([
  ['', 'not-json', 'by the request id'],
  ['12:03:04.123  GET /spells 200 in 1.25 ms by spells-1', 'not-json', 'by the request id'],
  ['{"level":30', 'not-json', 'by the request id'],
  [`{${' '.repeat(70_000)}}`, 'not-json', 'by the request id'],
  ['{"level":30,"time":1,"node":"lb-1","msg":"stopped"}', 'not-a-request', 'it has no durationMs'],
  [JSON.stringify({ ...LINE, worker: '0' }), 'not-a-request', 'its worker is not a number'],
  [JSON.stringify({ ...LINE, rosterRevision: undefined }), 'not-a-request', 'it has no rosterRevision'],
  [JSON.stringify({ ...LINE, attempts: {} }), 'not-a-request', 'its attempts is not a list'],
  [JSON.stringify({ ...LINE, attempts: [ATTEMPT, null] }), 'not-a-request', 'its attempts[1] is not an object'],
  [JSON.stringify({ ...LINE, attempts: [{ ...ATTEMPT, isReused: 1 }] }), 'not-a-request', 'attempts[0].isReused'],
  [JSON.stringify({ ...LINE, pool: 7 }), 'not-a-request', 'its pool is not a text'],
])('%.60s is refused, and why', (text, reason, message) => {
  const outcome = parseAccessLine(text);
  expect(outcome).toMatchObject({ ok: false, reason });
  expect(outcome).toHaveProperty('message', expect.stringContaining(message));
});
