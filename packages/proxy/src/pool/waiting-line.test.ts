/** First come, first served, no more than the limit, and nobody in the way who cannot use what there is. */
import { describe, expect, test } from 'vitest';
import { WaitingLine, type Waiting } from './waiting-line.ts';

/** A line, who was told of room, and waiters that leave when told, if they can use it. */
function lineOf() {
  const line = new WaitingLine();
  const told: string[] = [];
  const waiter = (name: string, canUse = true): Waiting => {
    const waiting: Waiting = {
      onRoom() {
        told.push(name);
        if (canUse) line.leave(waiting);
      },
    };
    return waiting;
  };
  return { line, told, waiter };
}

describe('serveOne', () => {
  test('serves who came first', () => {
    const { line, told, waiter } = lineOf();
    for (const name of ['a', 'b', 'c']) line.join(waiter(name));
    line.serveOne();
    line.serveOne();
    expect(told).toEqual(['a', 'b']);
    expect(line.count).toBe(1);
  });

  test('goes on to the next where the first cannot use the room, and keeps its turn for it', () => {
    const { line, told, waiter } = lineOf();
    line.join(waiter('a', false));
    line.join(waiter('b'));
    line.join(waiter('c'));
    line.serveOne();
    expect(told).toEqual(['a', 'b']);
    line.serveOne();
    expect(told).toEqual(['a', 'b', 'a', 'c']);
    expect(line.count).toBe(1);
  });

  test('of an empty line is nothing', () => {
    const line = new WaitingLine();
    line.serveOne();
    line.serveAll();
    expect(line.count).toBe(0);
  });
});

test('serveAll tells everybody once, also when some leave meanwhile', () => {
  const { line, told, waiter } = lineOf();
  for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) line.join(waiter(name, index % 2 === 0));
  line.serveAll();
  expect(told).toEqual(['a', 'b', 'c', 'd']);
  expect(line.count).toBe(2);
});

test('one more than the limit is turned away, until somebody has left', () => {
  const { line, waiter } = lineOf();
  const first = waiter('a');
  expect([line.join(first, 1), line.join(waiter('b'), 1)]).toEqual([true, false]);
  line.leave(first);
  expect(line.join(waiter('c'), 1)).toBe(true);
  expect(line.join(waiter('d'), 0)).toBe(false);
});

test('who is over as soon as it is served makes room for the next without a deeper stack', () => {
  const line = new WaitingLine();
  let depth = 0;
  let depthMax = 0;
  let servedCount = 0;
  for (let count = 0; count < 1_000; count++) {
    const waiting: Waiting = {
      onRoom() {
        depthMax = Math.max(depthMax, ++depth);
        line.leave(waiting);
        servedCount++;
        line.serveOne();
        depth--;
      },
    };
    line.join(waiting);
  }
  line.serveOne();
  expect([servedCount, depthMax, line.count]).toEqual([1_000, 1, 0]);
});
