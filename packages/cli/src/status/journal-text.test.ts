/** How a node stands to its journal is said with who said so: never "up to date" on the word of a server that is cut off. */
import { expect, test } from 'vitest';
import type { StatusView } from '@muster/questions/status';
import { timeOfDay } from '@muster/questions/text';
import { journalText } from './journal-text.ts';

const NOW_MS = Date.UTC(2026, 2, 1, 12, 0, 10);
const AT_MS = NOW_MS - 800;
const OLD_MS = NOW_MS - 6_000;

const HEARD = {
  atMs: AT_MS,
  isFresh: true,
  failure: null,
  isGone: false,
  unfit: null,
  place: { connectedTo: 'nats-1', leader: 'nats-2' },
  server: 'nats-1',
};
const CUT = {
  ...HEARD,
  atMs: OLD_MS,
  isFresh: false,
  failure: 'nats-1 leads the stream, but has not heard a majority',
};

const status = (parts: Partial<StatusView>): StatusView =>
  ({
    revision: 7,
    headRevision: 7,
    journalAwaySinceMs: null,
    journalAwayReason: null,
    confirmation: HEARD,
    ...parts,
  }) as StatusView;

test.each<[string, Partial<StatusView>, string]>([
  ['of this machine', { confirmation: null }, 'up to date'],
  ['with its leader', {}, 'up to date: nats-2 leads and said so 0.8 s ago; this node is on nats-1'],
  ['that is ahead', { headRevision: 9 }, '2 events behind: nats-2 leads and said so 0.8 s ago; this node is on nats-1'],
  [
    'on a server that is cut off',
    { confirmation: CUT },
    `NOT CONFIRMED: its leader was last heard at ${timeOfDay(OLD_MS)} (nats-1 leads the stream, but has not heard a majority); this node is on nats-1; what is new may be unknown here; traffic goes on`,
  ],
  [
    'whose leader was never heard',
    {
      confirmation: {
        atMs: null,
        isFresh: false,
        failure: 'NATS did not answer in time',
        isGone: false,
        unfit: null,
        place: null,
        server: null,
      },
    },
    'NOT CONFIRMED: its leader has not been heard yet (NATS did not answer in time); this node is on no server; what is new may be unknown here; traffic goes on',
  ],
  [
    'that is away',
    { journalAwaySinceMs: OLD_MS, journalAwayReason: 'NATS refused the connection', confirmation: CUT },
    `away since ${timeOfDay(OLD_MS)} (NATS refused the connection), this node is stale: its leader was last heard at ${timeOfDay(OLD_MS)}; traffic goes on`,
  ],
  [
    'that went away a moment after its leader spoke',
    {
      journalAwaySinceMs: AT_MS,
      journalAwayReason: 'NATS is gone',
      confirmation: { ...HEARD, failure: 'NATS is gone' },
    },
    `away since ${timeOfDay(AT_MS)} (NATS is gone), this node is stale: its leader was last heard at ${timeOfDay(AT_MS)}; traffic goes on`,
  ],
  [
    'that is full',
    { journalAwaySinceMs: OLD_MS, journalAwayReason: 'the stream takes no events: maximum bytes exceeded' },
    `takes no events since ${timeOfDay(OLD_MS)} (the stream takes no events: maximum bytes exceeded); traffic goes on`,
  ],
])('a journal %s', (_, parts, expected) => {
  expect(journalText(status(parts), NOW_MS)).toBe(expected);
});
