/** What a worker hands over while decisions are wanted, and what that may cost at most. */
import type { Decision } from '@muster/selection';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RecordedDecisions } from '@muster/questions/decisions/decision-question';
import { DecisionRecorder } from './decision-recorder.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NOT_MEASURED = { authority: '', attempts: [], refused: null };
const decision = (requestId: string, path: string) => ({ ...NOT_MEASURED, requestId, path }) as unknown as Decision;

function recorderOf() {
  const sent: RecordedDecisions[] = [];
  const taken: (() => void)[] = [];
  const recorder = new DecisionRecorder((batch, onTaken) => {
    sent.push(batch);
    taken.push(onTaken);
  });
  const decide = (count: number, path = '/') => {
    for (let index = 0; index < count; index++) recorder.decided(() => decision(`r-${index}`, path));
  };
  /** Of the batches since the last time: how many decisions, and how many were dropped. */
  const batches = () => sent.splice(0).map(({ decisions, droppedCount }) => [decisions.length, droppedCount]);
  return { recorder, taken, decide, batches, sent };
}

test('decisions are handed over ten times a second, until the time is over', () => {
  const { recorder, decide, batches, sent } = recorderOf();
  expect(recorder.isRecording).toBe(false);
  recorder.record(250);
  decide(2);
  vi.advanceTimersByTime(99);
  expect(batches()).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(sent[0]!.decisions.map(({ requestId }) => requestId)).toEqual(['r-0', 'r-1']);
  expect(batches()).toEqual([[2, 0]]);
  vi.advanceTimersByTime(100);
  expect(batches()).toEqual([]);
  decide(1);
  vi.advanceTimersByTime(100);
  expect(batches()).toEqual([[1, 0]]);
  expect(recorder.isRecording).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test('an order takes the place of the one before, and 0 ends it at once', () => {
  const { recorder, decide, batches } = recorderOf();
  recorder.record(100);
  recorder.record(1_000);
  vi.advanceTimersByTime(900);
  expect(recorder.isRecording).toBe(true);
  decide(1);
  recorder.record(0);
  expect(batches()).toEqual([[1, 0]]);
  expect([recorder.isRecording, vi.getTimerCount()]).toEqual([false, 0]);
  recorder.record(0);
  expect(batches()).toEqual([]);
});

test('a batch has so many decisions, and so many characters; more are counted, and not made', () => {
  const { recorder, decide, batches } = recorderOf();
  recorder.record(10_000);
  decide(205);
  const unmade = vi.fn<() => Decision>();
  recorder.decided(unmade);
  expect(unmade).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  expect(batches()).toEqual([[200, 6]]);
  decide(10, '/'.repeat(100_000));
  vi.advanceTimersByTime(100);
  expect(batches()).toEqual([[6, 4]]);
});

test('while four batches are on their way, further ones are dropped and told of later', () => {
  const { recorder, taken, decide, batches } = recorderOf();
  recorder.record(10_000);
  for (let count = 0; count < 6; count++) {
    decide(3);
    vi.advanceTimersByTime(100);
  }
  expect(batches()).toEqual([
    [3, 0],
    [3, 0],
    [3, 0],
    [3, 0],
  ]);
  taken[0]!();
  decide(1);
  vi.advanceTimersByTime(100);
  expect(batches()).toEqual([[1, 6]]);
});

test('what is said of a pick weighs as much as it takes', () => {
  const { recorder, batches } = recorderOf();
  recorder.record(10_000);
  const list = (length: number) => Array.from({ length }, (_, index) => `b-${index}`);
  const candidates = list(64).map((id) => ({ id, target: '127.0.0.1:8001', weight: 1, isEligible: true }));
  const event = { type: 'BackendTurnedUnhealthy', target: '127.0.0.1:8001', reason: 'the connection was refused' };
  const pendingFacts = list(64).map((backend) => ({
    id: 'i'.repeat(36),
    pool: 'spells',
    backend,
    timeMs: 1.8e12,
    event,
  }));
  const inputs = { cursor: 1, weights: null, consulted: [], inFlightTotal: 0 };
  const pick = {
    candidates,
    pendingFacts,
    triedIds: list(3),
    fullIds: list(64),
    undialledIds: [],
    onlyIds: null,
    inputs,
  };
  const large = { ...NOT_MEASURED, requestId: 'r', path: '/', attempts: [pick, pick] } as unknown as Decision;
  const sent = Math.ceil(524_288 / JSON.stringify(large).length);
  for (let count = 0; count < 200; count++) recorder.decided(() => large);
  vi.advanceTimersByTime(100);
  const [[keptCount]] = batches() as [[number]];
  // By an estimate: half to double of what it is.
  expect(keptCount).toBeGreaterThan(sent / 2);
  expect(keptCount).toBeLessThan(sent * 2);
});
