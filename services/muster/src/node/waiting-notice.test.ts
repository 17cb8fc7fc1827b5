/** What a node with nothing to serve says while it waits. */
import type { NodeStatus } from '@muster/actors';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { noticeWaiting } from './waiting-notice.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function waitingNode() {
  const lines: string[] = [];
  const at = {
    state: 'starting' as NodeStatus['state'],
    reason: 'NATS at nats://h:1 refused the connection' as string | null,
  };
  const node = { status: () => ({ state: at.state, journalAwayReason: null }) as NodeStatus };
  const log = { warn: (_fields: object, text: string) => void lines.push(text) };
  return { at, lines, end: noticeWaiting(node, { awayReason: () => at.reason, log }) };
}

test('the address is named every ten seconds until the node serves', () => {
  const { at, lines } = waitingNode();
  vi.advanceTimersByTime(25_000);
  expect(lines).toEqual(
    Array(2).fill('nothing is served yet: the node waits for its journal; NATS at nats://h:1 refused the connection'),
  );
  at.state = 'serving';
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(2);
  expect(vi.getTimerCount()).toBe(0);
});

test('nothing is said while the journal answers, or after the end', () => {
  const { at, lines, end } = waitingNode();
  at.reason = null;
  vi.advanceTimersByTime(20_000);
  at.reason = 'away';
  end();
  vi.advanceTimersByTime(20_000);
  expect(lines).toEqual([]);
});
