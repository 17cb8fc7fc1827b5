/** What is remembered of the newest, and for how long. */
import { expect, test } from 'vitest';
import { NewestMap } from './newest-map.ts';

test('an entry is found with its newest value until it is deleted', () => {
  const map = new NewestMap<string, number>(10);
  map.set('b-1', 3).set('b-1', 9);
  expect([...map]).toEqual([['b-1', 9]]);
  map.delete('b-1');
  expect(map.size).toBe(0);
});

test('I9: 10,000 are remembered; the one that was set longest ago is forgotten first', () => {
  const map = new NewestMap<string, number>(10_000);
  for (let revision = 0; revision < 10_000; revision++) map.set(`b-${revision}`, revision);
  map.set('b-0', 20_000);
  map.set('b-10000', 20_001);
  expect(map.size).toBe(10_000);
  expect(map.get('b-1')).toBeUndefined();
  expect(map.get('b-0')).toBe(20_000);
  expect(map.get('b-2')).toBe(2);
});
