/** Records of exchanges for tests of what reads them. */
import type { BackendSet } from '@muster/membership';
import type { Attempt, ExchangeRecord } from '../../src/http/record/exchange-record.ts';

export function recordedSet(backendsCount: number, revision = 7): BackendSet {
  const backends = Array.from({ length: backendsCount }, (_, index) => ({
    id: `b-${index}`,
    target: `127.0.0.1:${8_001 + index}`,
    weight: 1,
    isEligible: true,
  }));
  const spec = { policy: 'round_robin' } as BackendSet['spec'];
  const origin = { rosterRevision: revision + 2, madeMs: 500, pendingFacts: [] };
  return { pool: 'spells', spec, revision, backends, isPanic: false, steadyAtMs: null, ...origin };
}

export function recordedAttempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    backend: 'b-0',
    target: '127.0.0.1:8001',
    set: recordedSet(2),
    inputs: { cursor: 0, weights: null, consulted: [], inFlightTotal: 0 },
    keyHash: 0,
    triedIds: [],
    fullIds: [],
    undialledIds: [],
    isStrict: false,
    onlyIds: null,
    isReused: false,
    startedAtMs: 0,
    answeredAtMs: 1.5,
    outcome: 'answered',
    detail: null,
    ...changes,
  };
}

/** A GET that was answered with 200. */
export function recordedExchange(changes: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    requestId: 'r-1',
    listener: 'web',
    clientAddress: '192.0.2.1',
    method: 'GET',
    authority: 'example.com',
    target: '/spells?name=fireball',
    path: '/spells?name=fireball',
    pool: 'spells',
    startedMs: 1_000,
    durationMs: 2.5,
    status: 200,
    requestBodyBytes: 0,
    answerBodyBytes: 70,
    attempts: [recordedAttempt()],
    refused: null,
    termination: 'finished',
    detail: null,
    ...changes,
  };
}
