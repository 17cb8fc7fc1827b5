/** Which answers about a stream count: as servers were seen to give them, healthy, cut off, and without a leader. */
import type { StreamInfo } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { BACKED_WITHIN_MS, leaderWord } from './leader-word.ts';

interface Copy {
  readonly activeMs: number;
  readonly offline?: boolean;
}

function answer(copies: number, leader: string | undefined, others: readonly Copy[]): StreamInfo {
  const replicas = others.map(({ activeMs, offline = false }, index) => ({
    name: `nats-${index + 2}`,
    current: true,
    offline,
    active: activeMs * 1_000_000,
  }));
  const cluster = { name: 'muster', ...(leader !== undefined && { leader }), replicas };
  return { config: { num_replicas: copies }, cluster } as unknown as StreamInfo;
}

const BEYOND_MS = BACKED_WITHIN_MS + 1;

/** How long ago it was backed, or why it does not count. */
function wordOf(info: StreamInfo): number | string {
  const word = leaderWord(info);
  return typeof word === 'string' ? word : word.backedMsAgo;
}

test.each<[string, StreamInfo, unknown]>([
  ['of a server that is alone', { config: { num_replicas: 1 } } as StreamInfo, 0],
  ['of one copy in a cluster', answer(1, 'nats-1', []), 0],
  ['of a leader that heard both others', answer(3, 'nats-1', [{ activeMs: 900 }, { activeMs: 20 }]), 20],
  ['of a leader that hears one of two others', answer(3, 'nats-1', [{ activeMs: 60_000 }, { activeMs: 1_850 }]), 1_850],
  [
    'of a leader whose other copy is offline',
    answer(3, 'nats-1', [{ activeMs: 5, offline: true }, { activeMs: 7 }]),
    7,
  ],
  [
    'of a leader that is cut off',
    answer(3, 'nats-1', [{ activeMs: BEYOND_MS }, { activeMs: BEYOND_MS }]),
    expect.stringMatching(/for 3\.0 s$/),
  ],
  [
    'of a new leader that has heard nobody',
    answer(3, 'nats-1', [{ activeMs: 0 }, { activeMs: 0 }]),
    expect.stringMatching(/3 copies yet$/),
  ],
  [
    'of a server that knows no leader',
    answer(3, undefined, [{ activeMs: 5 }, { activeMs: 5 }]),
    expect.stringMatching(/no leader/),
  ],
  [
    'of one of two copies without the other',
    answer(2, 'nats-1', [{ activeMs: BEYOND_MS }]),
    expect.stringMatching(/majority of its 2 copies/),
  ],
  [
    'of a leader that hears one of four others',
    answer(5, 'nats-1', [{ activeMs: 1 }, ...Array.from({ length: 3 }, () => ({ activeMs: BEYOND_MS }))]),
    expect.stringMatching(/majority/),
  ],
  [
    'of a leader that hears two of four others',
    answer(5, 'nats-1', [{ activeMs: 1 }, { activeMs: BEYOND_MS }, { activeMs: 8 }, { activeMs: BEYOND_MS }]),
    8,
  ],
])('the word %s', (_, info, expected) => {
  expect(wordOf(info)).toEqual(expected);
});
