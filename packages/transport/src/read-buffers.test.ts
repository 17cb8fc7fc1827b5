/** When a buffer is free, and who has to give a large one up. */
import { expect, test } from 'vitest';
import { ReadBuffers, writeBegan, type LargeHolder, type ReadBuffer } from './read-buffers.ts';

/** A leg, as far as its buffer goes. */
class Holder implements LargeHolder {
  hasReadLately = true;
  buffer: ReadBuffer | null = null;
  readonly #buffers: ReadBuffers;

  constructor(buffers: ReadBuffers) {
    this.#buffers = buffers;
  }

  grow(): this {
    this.buffer = this.#buffers.takeLarge(this);
    return this;
  }

  yieldLarge(): void {
    this.#buffers.holdsNoLarge(this);
    this.buffer?.giveBack();
    this.buffer = null;
  }
}

test('a buffer that was given back is free when the last write that refers to it is done', () => {
  const freed: Buffer[] = [];
  const buffers = new ReadBuffers({ onFree: (bytes) => void freed.push(bytes) });
  const buffer = buffers.takeSmall();
  const writes = [writeBegan(buffer.bytes), writeBegan(buffer.bytes.subarray(7, 9))];
  buffer.giveBack();
  expect(buffers.takeSmall()).not.toBe(buffer);
  writes[0]!.writeDone();
  expect(freed).toEqual([]);
  writes[1]!.writeDone();
  expect(freed).toEqual([buffer.bytes]);
  expect(buffers.takeSmall()).toBe(buffer);
});

test('a write that is done leaves a buffer with the leg that reads into it', () => {
  const freed: Buffer[] = [];
  const buffer = new ReadBuffers({ onFree: (bytes) => void freed.push(bytes) }).takeSmall();
  const write = writeBegan(buffer.bytes)!;
  expect(buffer.isBeingWritten).toBe(true);
  write.writeDone();
  expect([buffer.isBeingWritten, freed]).toEqual([false, []]);
});

test('other memory is nobody’s read buffer', () => {
  expect(writeBegan(Buffer.from('abc'))).toBeNull();
});

test('a large buffer counts until the last write that refers to it is done', () => {
  const buffers = new ReadBuffers({ largeMax: 1 });
  const holder = new Holder(buffers).grow();
  const write = writeBegan(holder.buffer!.bytes)!;
  holder.yieldLarge();
  expect([buffers.largeInUseCount, buffers.takeLarge(new Holder(buffers))]).toEqual([1, null]);
  write.writeDone();
  expect(buffers.takeLarge(new Holder(buffers))).not.toBeNull();
});

test('where none is left, who has not read since it was last looked at yields its own', () => {
  const buffers = new ReadBuffers({ largeMax: 3 });
  const [first, second, third] = [new Holder(buffers).grow(), new Holder(buffers).grow(), new Holder(buffers).grow()];
  expect(new Holder(buffers).grow().buffer === null).toBe(true);
  first.hasReadLately = true;
  third.hasReadLately = true;
  expect(new Holder(buffers).grow().buffer === null).toBe(false);
  expect([first, second, third].map(({ buffer }) => buffer !== null)).toEqual([true, false, true]);
});

test('large ones are scarce when more than half are in use', () => {
  const buffers = new ReadBuffers({ largeMax: 4 });
  const counts = Array.from({ length: 4 }, () => {
    new Holder(buffers).grow();
    return buffers.areLargeScarce;
  });
  expect(counts).toEqual([false, false, true, true]);
});
