/** Frames among damage: whole ones are found, whatever stands between them. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrame, framesIn, type Frame } from './frame.ts';

const frame = (text: string, fromMs = 5): Frame => ({ kindBits: 3, fromMs, toMs: 9, payload: Buffer.from(text) });
const texts = (bytes: Buffer) =>
  [...framesIn(bytes)].map((part) => (part.kind === 'frame' ? part.frame.payload.toString() : part.reason));

test('a frame comes back as it was', () => {
  expect([...framesIn(encodeFrame(frame('hello')))]).toEqual([{ kind: 'frame', frame: frame('hello') }]);
});

test('wherever a file is cut, the whole frames before the cut are there, and the rest is torn', () => {
  const first = encodeFrame(frame('one'));
  const second = encodeFrame(frame('two'));
  for (let length = first.length + 1; length < first.length + second.length; length++) {
    expect(texts(Buffer.concat([first, second]).subarray(0, length))).toEqual(['one', 'torn']);
  }
});

test('one byte changed anywhere costs the frame that it is in, and no other', () => {
  const frames = ['one', 'two', 'three'].map((text) => encodeFrame(frame(text)));
  const bytes = Buffer.concat(frames);
  fc.assert(
    fc.property(fc.nat(frames[1]!.length - 1), fc.integer({ min: 1, max: 255 }), (offset, change) => {
      const damaged = Buffer.from(bytes);
      damaged[frames[0]!.length + offset]! ^= change;
      const read = texts(damaged);
      expect(read.filter((text) => text !== 'one' && text !== 'three')).toHaveLength(1);
      expect(read).toHaveLength(3);
      expect(read).not.toContain('two');
    }),
  );
});

test('what looks like a frame inside of one is not taken for one', () => {
  const inner = encodeFrame(frame('inner'));
  const outer = encodeFrame({ ...frame(''), payload: inner });
  expect([...framesIn(outer)]).toHaveLength(1);
});

test('a frame of another version is named as that', () => {
  const newer = encodeFrame(frame('new'));
  newer[3] = '2'.charCodeAt(0);
  expect(texts(Buffer.concat([newer, encodeFrame(frame('one'))]))).toEqual(['other-format', 'one']);
});
