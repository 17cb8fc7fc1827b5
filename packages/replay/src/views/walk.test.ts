/** Stepping through a log in both directions gives what a fold from its start gives. */
import { rosterHash, type RecordedEvent } from '@muster/membership';
import { generatedHistory } from '@muster/membership/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventFilter } from '../log/event-filter.ts';
import { eventsOf, fullFold, pastOf, sourceOf } from '../../testing/past.ts';
import { createReplay } from '../fold/replay.ts';
import { walk } from './walk.ts';

const move = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'next' } as const) },
  { weight: 4, arbitrary: fc.constant({ kind: 'previous' } as const) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('jump' as const), to: fc.nat() }) },
);

test('any way of steps and jumps: each step is the event there, with the roster of the full fold', async () => {
  const history = generatedHistory.filter((events) => events.length > 0);
  await fc.assert(
    fc.asyncProperty(history, fc.array(move, { maxLength: 30 }), async (events, moves) => {
      const rosters = fullFold(events);
      const walking = walk(createReplay(sourceOf(pastOf(events))), 0);
      let place = -1;
      for (const each of moves) {
        if (each.kind === 'jump') place = each.to % events.length;
        else if (each.kind === 'next') place = Math.min(events.length - 1, place + 1);
        else place = Math.max(place === -1 ? -1 : 0, place - 1);
        const event = events[place];
        const step = each.kind === 'jump' ? await walking.jump(event!.revision) : await walking[each.kind]();
        expect(walking.revision).toBe(event?.revision ?? 0);
        expect(step === null || step.event === event).toBe(true);
        expect(rosterHash(step?.roster ?? rosters.get(walking.revision)!)).toBe(
          rosterHash(rosters.get(walking.revision)!),
        );
      }
    }),
    { numRuns: 200 },
  );
});

function drains(count: number): RecordedEvent[] {
  const modes = Array.from({ length: count }, (_, index): [string, object, string] => {
    return ['backend.p.b-1', { type: 'BackendModeSet', mode: index % 2 === 0 ? 'drain' : 'ready' }, `cli:${index}`];
  });
  return eventsOf(
    ['pool.p', { type: 'PoolDefined' }],
    ['backend.p.b-1', { type: 'BackendRegistered', target: 'a:1' }],
    ...modes,
  );
}

test('a step says what its event changed, and by whom', async () => {
  const walking = walk(createReplay(sourceOf(pastOf(drains(4)))), 2);
  const step = (await walking.next())!;
  expect(step).toMatchObject({ event: { revision: 3 }, rejection: null, check: { outcome: 'checked' } });
  expect(step.changes).toMatchObject([{ kind: 'backend', pool: 'p', id: 'b-1', change: 'changed' }]);
  const [mode, eligibility] = step.changes[0]!.fields;
  expect(mode).toMatchObject({
    field: 'mode',
    before: { value: 'ready' },
    after: { value: 'drain' },
    by: { origin: 'cli:0' },
  });
  expect(eligibility).toMatchObject({ field: 'eligibility', after: { value: 'out: mode drain' } });
  expect(await walk(createReplay(sourceOf(pastOf(drains(4)))), 1).previous()).toBeNull();
});

test('searches both ways, further than a window reaches', async () => {
  const source = sourceOf(pastOf(drains(3_000)));
  const walking = walk(createReplay(source), 1_500);
  const wanted = eventFilter({ origin: 'cli:2900' });
  expect((await walking.search(wanted, 'forwards'))?.event.revision).toBe(2_903);
  expect((await walking.search(eventFilter({ type: 'BackendRegistered' }), 'backwards'))?.event.revision).toBe(2);
  expect(await walking.search(eventFilter({ pool: 'q' }), 'forwards')).toBeNull();
  expect(walking.revision).toBe(2);
});

test('stepping within a window reads nothing', async () => {
  const source = sourceOf(pastOf(drains(2_000)));
  const walking = walk(createReplay(source), 1_000);
  await walking.here();
  const readBefore = source.eventsRead();
  for (let count = 0; count < 200; count++) await walking.next();
  for (let count = 0; count < 400; count++) await walking.previous();
  expect(walking.revision).toBe(800);
  expect(source.eventsRead()).toBe(readBefore);
});
