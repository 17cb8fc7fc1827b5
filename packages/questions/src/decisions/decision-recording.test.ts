/** Decisions are recorded for as long as somebody wants them, by every worker, and kept. */
import type { Observation } from '@muster/observations';
import type { Decision } from '@muster/selection';
import { expect, test } from 'vitest';
import type { DecisionOrder } from './decision-question.ts';
import { DecisionRecording, type RecordingWorker } from './decision-recording.ts';

class ToldWorker implements RecordingWorker {
  readonly index: number;
  readonly told: number[] = [];

  constructor(index: number) {
    this.index = index;
  }

  tell(order: DecisionOrder): void {
    if (order.kind === 'record-decisions') this.told.push(order.forMs);
  }
}

function recordingOf(workers: readonly ToldWorker[]) {
  const kept: Observation[] = [];
  const clock = { nowMs: 1_000 };
  const recording = new DecisionRecording({ workers, nowMs: () => clock.nowMs });
  recording.keepIn({ add: (observation) => void kept.push(observation) });
  return { recording, kept, clock };
}

const batch = (droppedCount: number, ...timesMs: readonly number[]) => ({
  kind: 'decisions-recorded' as const,
  decisions: timesMs.map((timeMs) => ({ requestId: `r-${timeMs}`, timeMs }) as Decision),
  droppedCount,
});

test('all workers are told, and one that starts meanwhile for the time that is left', () => {
  const [first, second] = [new ToldWorker(0), new ToldWorker(1)];
  const { recording, clock } = recordingOf([first, second]);
  expect(recording.status()).toMatchObject({ isRecording: false, sinceMs: null });
  recording.started(first);
  const outcome = recording.record(60);
  expect(outcome).toMatchObject({ outcome: 'done', recording: { isRecording: true, sinceMs: 1_000, untilMs: 61_000 } });
  clock.nowMs = 41_000;
  const third = new ToldWorker(2);
  recording.started(third);
  clock.nowMs = 61_000;
  expect(recording.status()).toMatchObject({ isRecording: false, untilMs: 61_000 });
  recording.started(third);
  expect([first.told, second.told, third.told]).toEqual([[60_000], [60_000], [20_000]]);
});

test('what they hand over is kept and counted, until another recording begins', () => {
  const worker = new ToldWorker(3);
  const { recording, kept, clock } = recordingOf([worker]);
  recording.record(60);
  recording.recorded(worker, batch(0, 5, 6));
  clock.nowMs = 2_000;
  recording.record(120);
  recording.recorded(worker, batch(7));
  expect(recording.status()).toEqual({
    isRecording: true,
    sinceMs: 1_000,
    untilMs: 122_000,
    recordedCount: 2,
    droppedCount: 7,
  });
  recording.record(0);
  recording.record(0);
  // The last batch of a worker comes when it has heard that it is over.
  recording.recorded(worker, batch(0, 8));
  expect(recording.status()).toMatchObject({ isRecording: false, untilMs: 2_000, recordedCount: 3 });
  expect(worker.told).toEqual([60_000, 120_000, 0, 0]);
  const seen = { kind: 'decision', worker: 3 };
  expect(kept).toEqual(
    [5, 6, 8].map((timeMs) => ({ ...seen, timeMs, decision: { requestId: `r-${timeMs}`, timeMs } })),
  );
  recording.record(1);
  expect(recording.status()).toMatchObject({ recordedCount: 0, droppedCount: 0, sinceMs: 2_000 });
});

test('without observations nobody is told', () => {
  const worker = new ToldWorker(0);
  const { recording } = recordingOf([worker]);
  recording.keepIn(null);
  expect(recording.record(60)).toEqual({ outcome: 'no-observations' });
  expect(worker.told).toEqual([]);
});
