/** What is remembered of members that were taken out, and for how long. */
import { expect, test } from 'vitest';
import { Departures } from './departures.ts';

const departure = (revision: number) => ({ revision, origin: 'cli:alice', reason: null });

test('the newest departure of a member at a target is found until it is forgotten', () => {
  const departures = new Departures();
  departures.remember('b-1 10.0.0.1:80', departure(3));
  departures.remember('b-1 10.0.0.1:80', departure(9));
  expect(departures.find('b-1 10.0.0.1:80')).toEqual(departure(9));
  expect(departures.find('b-1 10.0.0.2:80')).toBeNull();
  departures.forget('b-1 10.0.0.1:80');
  expect(departures.find('b-1 10.0.0.1:80')).toBeNull();
});

test('I9: 10,000 are remembered; the one that left first is forgotten first', () => {
  const departures = new Departures();
  for (let revision = 0; revision < 10_000; revision++) departures.remember(`b-${revision}`, departure(revision));
  departures.remember('b-0', departure(20_000));
  departures.remember('b-10000', departure(20_001));
  expect(departures.find('b-1')).toBeNull();
  expect(departures.find('b-0')).toEqual(departure(20_000));
  expect(departures.find('b-2')).toEqual(departure(2));
});
