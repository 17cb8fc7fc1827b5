/** A frame gives back what was put in: every kind, in order, through names that are shared with other frames. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BodyBuilder, readBody } from './frame-body.ts';
import { observation } from '../testing/generated-observations.ts';
import { ReadNames, SegmentNames } from './segment-names.ts';

test('what was added comes back as it was and in order, frame after frame', () => {
  fc.assert(
    fc.property(fc.array(fc.array(observation), { maxLength: 4 }), (frames) => {
      const names = new SegmentNames();
      const read = new ReadNames();
      for (const observations of frames) {
        const builder = new BodyBuilder(names);
        for (const one of observations) builder.add(one);
        const body = builder.close();
        const unwritten = names.unwritten(body.namesCount);
        if (unwritten !== null) read.add(unwritten);
        names.writtenCount = body.namesCount;
        expect([...readBody(body.text, read)]).toEqual(observations);
        expect(body.count).toBe(observations.filter(({ kind }) => kind !== 'lost').length);
      }
    }),
  );
});

test('times are kept in whole ms, durations in tenths', () => {
  const names = new SegmentNames();
  const builder = new BodyBuilder(names);
  const probe = {
    kind: 'probe',
    pool: 'p',
    backend: 'b',
    target: 't',
    passed: true,
    code: null,
    reason: null,
  } as const;
  builder.add({ ...probe, timeMs: 1_000.4, durationMs: 1.26 });
  const read = new ReadNames();
  read.add(names.unwritten(names.count)!);
  expect([...readBody(builder.close().text, read)]).toEqual([{ ...probe, timeMs: 1_000, durationMs: 1.3 }]);
});

test('an observation whose names are lost is null, and the others are not', () => {
  const names = new SegmentNames();
  const builder = new BodyBuilder(names);
  builder.add({ kind: 'hash', timeMs: 1, node: 'lb-1', epoch: 'e', revision: 7, hash: 'a' });
  builder.add({ kind: 'hash', timeMs: 2, node: 'lb-2', epoch: 'e', revision: 9, hash: 'b' });
  const read = new ReadNames();
  read.add({ from: 1, names: [['lb-2', 'e']] });
  expect([...readBody(builder.close().text, read)]).toEqual([
    null,
    { kind: 'hash', timeMs: 2, node: 'lb-2', epoch: 'e', revision: 9, hash: 'b' },
  ]);
});
