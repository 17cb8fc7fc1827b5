/** What a person sees of a stream of events: each, up to a limit a second, and then how many there were. */
import type { NodeHandle, NodeStatus, RosterListener } from '@muster/actors';
import { emptyRoster, type RecordedEvent } from '@muster/membership';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Log } from './log.ts';
import { logMembership, noticeWaiting } from './membership-log.ts';

function eventAt(revision: number): RecordedEvent {
  const payload = '{"type":"NodeStarted"}';
  return { revision, timeMs: revision, id: `e-${revision}`, subject: 'muster.demo.node.lb-1', origin: null, payload };
}

test('a line an event, at most a hundred a second, then how many were left out; nothing of the history', () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  const add = (_fields: object, text: string) => void lines.push(text);
  let tell: RosterListener = () => undefined;
  let state: NodeStatus['state'] = 'catching-up';
  const node = {
    status: () => ({ state }),
    onRosterChanged: (listener: RosterListener) => {
      tell = listener;
      return () => (tell = () => undefined);
    },
  } as unknown as NodeHandle;
  const stop = logMembership(node, { info: add, warn: add } as unknown as Log);
  const roster = emptyRoster('demo');
  const batch = (from: number, count: number) =>
    tell(roster, roster, {
      events: Array.from({ length: count }, (_, index) => eventAt(from + index)),
      rejections: [{ revision: 102, reason: 'broken-json', message: 'the payload is not JSON' }],
    });

  batch(1, 100);
  expect(lines).toEqual([]);
  state = 'serving';
  batch(101, 3);
  expect(lines).toHaveLength(3);
  expect(lines[1]).toBe('rejected: the payload is not JSON');
  batch(104, 150);
  expect(lines).toHaveLength(100);
  vi.advanceTimersByTime(1_000);
  expect(lines.splice(0).at(-1)).toBe('and 53 more events');
  batch(300, 200);
  expect(lines).toHaveLength(100);
  stop();
  expect(lines.at(-1)).toBe('and 100 more events');
  vi.useRealTimers();
});

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
