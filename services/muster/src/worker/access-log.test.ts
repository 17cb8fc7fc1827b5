/** Which requests are logged, as what, and that no line is longer than one that is written whole. */
import type { ExchangeRecord, HttpSettings, Termination } from '@muster/proxy';
import { parseAccessLine } from '@muster/replay';
import { expect, test } from 'vitest';
import { createLog, type LogLevel } from '../log/log.ts';
import { AccessLog } from './access-log.ts';

type Mode = HttpSettings['accessLog'];
type Attempt = ExchangeRecord['attempts'][number];

const ANSWERED: Attempt = {
  backend: 'spells-1',
  target: '127.0.0.1:8001',
  set: {
    pool: 'spells',
    spec: {},
    revision: 12,
    backends: [],
    isPanic: false,
    steadyAtMs: null,
    rosterRevision: 14,
  } as unknown as Attempt['set'],
  inputs: { cursor: 0, weights: null, consulted: [], inFlightTotal: 0 },
  keyHash: 0,
  triedIds: [],
  fullIds: [],
  undialledIds: [],
  isStrict: false,
  onlyIds: null,
  isReused: true,
  startedAtMs: 0,
  answeredAtMs: 0.98765,
  outcome: 'answered',
  detail: null,
};

const OK: ExchangeRecord = {
  requestId: 'r-1',
  listener: 'web',
  clientAddress: '192.0.2.1',
  method: 'GET',
  authority: 'example.com',
  target: '/spells?token=secret',
  path: '/spells?token=secret',
  pool: 'spells',
  startedMs: 1_000,
  durationMs: 1.23456,
  status: 200,
  requestBodyBytes: 0,
  answerBodyBytes: 70,
  attempts: [ANSWERED],
  refused: null,
  termination: 'finished',
  detail: null,
};

interface Options {
  readonly level?: LogLevel;
  readonly format?: 'json' | 'text';
  readonly node?: string;
}

function accessLog({ level = 'info', format = 'json', node = 'lb-1' }: Options = {}) {
  const lines: string[] = [];
  const output = { write: (text: string) => void lines.push(text) };
  const access = new AccessLog(createLog({ level, format, node, output }));
  return {
    access,
    lines,
    parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    logged: (changes: Partial<ExchangeRecord>, mode: Mode) => {
      access.exchangeOver({ ...OK, ...changes }, { accessLog: mode });
      return lines.splice(0).length === 1;
    },
  };
}

test('a line says what was asked, who answered, and how long it took', () => {
  const { access, parsed } = accessLog();
  access.exchangeOver(OK, { accessLog: 'all' });
  const [{ time, ...line }] = parsed() as [Record<string, unknown>];
  expect(time).toBeGreaterThan(0);
  expect(line).toEqual({
    level: 30,
    node: 'lb-1',
    listener: 'web',
    pool: 'spells',
    requestId: 'r-1',
    client: '192.0.2.1',
    method: 'GET',
    authority: 'example.com',
    path: '/spells',
    queryBytes: 12,
    status: 200,
    termination: 'finished',
    detail: null,
    durationMs: 1.235,
    headMs: 0.988,
    requestBytes: 0,
    answerBytes: 70,
    revision: 12,
    rosterRevision: 14,
    attemptsCount: 1,
    attempts: [
      {
        backend: 'spells-1',
        target: '127.0.0.1:8001',
        outcome: 'answered',
        isReused: true,
        startedMs: 0,
        headMs: 0.988,
        revision: 12,
        rosterRevision: 14,
        detail: null,
      },
    ],
    msg: 'GET /spells 200 in 1.235 ms by spells-1',
  });
});

test('a line can be read back to explain its request', () => {
  const { access, lines } = accessLog();
  access.exchangeOver(OK, { accessLog: 'all' });
  // The worker's log names the worker besides.
  const outcome = parseAccessLine(lines[0]!.replace('{', '{"worker":0,'));
  expect(outcome).toMatchObject({ ok: true, line: { node: 'lb-1', rosterRevision: 14, attempts: [{ revision: 12 }] } });
});

test('for people it is one line of text', () => {
  const { access, lines } = accessLog({ format: 'text' });
  const failed = { status: 502, termination: 'connect_failed', detail: 'connection refused' } as const;
  access.exchangeOver({ ...OK, ...failed }, { accessLog: 'errors' });
  expect(lines[0]).toMatch(
    /^[\d:.]+ {2}WARN {2}GET \/spells 502 in 1\.235 ms by spells-1: no backend could be reached: connection refused\n$/,
  );
});

test.each<[Termination, number, boolean]>([
  ['finished', 200, false],
  ['finished', 404, false],
  ['finished', 499, false],
  ['finished', 500, true],
  ['finished', 503, true],
  ['answered_here', 204, false],
  ['answered_here', 503, true],
  ['tunnel_closed', 101, false],
  ['no_route', 404, false],
  ['bad_request_body', 400, true],
  ['body_too_large', 413, true],
  ['request_timeout', 408, true],
  ['client_left', 0, true],
  ['client_stalled', 200, true],
  ['answer_cut', 200, true],
  ['no_healthy_backend', 503, true],
  ['shutdown', 0, true],
])('errors: %s with status %i: %s', (termination, status, isLogged) => {
  const { logged } = accessLog();
  expect(logged({ termination, status }, 'errors')).toBe(isLogged);
  expect(logged({ termination, status }, 'all')).toBe(true);
  expect(logged({ termination, status }, 'off')).toBe(false);
  expect(accessLog({ level: 'warn' }).logged({ termination, status }, 'all')).toBe(isLogged);
  expect(accessLog({ level: 'error' }).logged({ termination, status }, 'all')).toBe(false);
});

test('a request that is not logged is not looked at', () => {
  const touched: string[] = [];
  const watched = new Proxy(OK, {
    get(record, key) {
      touched.push(String(key));
      return record[key as keyof ExchangeRecord];
    },
  });
  accessLog().access.exchangeOver(watched, { accessLog: 'errors' });
  expect(touched).toEqual(['status', 'termination']);
});

test.each(['x', '"', '\\', '\u00e9', '\u20ac', '\n'])(
  'no line is longer than 4 KiB, whatever is made of %j',
  (character) => {
    const { access, lines } = accessLog({ node: 'n'.repeat(64) });
    const long = character.repeat(9_000);
    const name = 'n'.repeat(64);
    const attempt = {
      ...ANSWERED,
      backend: name,
      target: long,
      detail: long,
      outcome: 'connect_timeout',
      startedAtMs: 1e9 / 3,
    };
    access.exchangeOver(
      {
        ...OK,
        requestId: long,
        listener: name,
        pool: name,
        clientAddress: '2001:0db8:0000:0000:0000:0000:0000:0001%eth0',
        method: 'M'.repeat(32),
        authority: long,
        target: `/${long}?${long}`,
        detail: long,
        durationMs: 1e9 / 3,
        requestBodyBytes: Number.MAX_SAFE_INTEGER,
        answerBodyBytes: Number.MAX_SAFE_INTEGER,
        attempts: Array.from({ length: 10 }, () => attempt as Attempt),
        termination: 'retries_exhausted',
      },
      { accessLog: 'errors' },
    );
    expect(Buffer.byteLength(lines[0]!)).toBeLessThanOrEqual(4_096);
    expect(JSON.parse(lines[0]!)).toMatchObject({ attemptsCount: 10, attempts: { length: 3 } });
  },
);

test('refused heads have a line each, up to a hundred a second, and then how many more there were', () => {
  const { access, parsed, lines } = accessLog();
  const refused = { requestId: 'r-2', listener: 'web', peerAddress: '192.0.2.1', status: 400, reason: 'host_missing' };
  access.headRefused(refused, { accessLog: 'off' });
  expect(lines).toEqual([]);
  for (let count = 0; count < 103; count++) access.headRefused(refused, { accessLog: 'errors' });
  expect(lines).toHaveLength(100);
  expect(parsed()[0]).toMatchObject({
    listener: 'web',
    requestId: 'r-2',
    client: '192.0.2.1',
    status: 400,
    reason: 'host_missing',
    msg: 'a request was refused with 400: host_missing',
  });
  access.secondIsOver();
  expect(parsed().at(-1)).toMatchObject({ suppressedCount: 3, msg: 'and 3 more requests were refused' });
  access.headRefused(refused, { accessLog: 'all' });
  access.secondIsOver();
  expect(lines).toHaveLength(102);
});
