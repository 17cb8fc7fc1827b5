/** When a member speaks, and what it makes of the answers: in virtual time, on a link that acknowledges everything. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeLink } from '../testing/fake-link.ts';
import type { Member } from './member.ts';
import { openPublisher } from './publisher.ts';

const SPEC = { pool: 'spells', id: 'spells-1', target: '10.0.0.5:8001' };
const UNKNOWN = JSON.stringify({ standing: 'unknown' });
const removedAt = (revision: number) =>
  JSON.stringify({ standing: 'removed', revision, origin: 'cli:alice', reason: 'broken' });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function joined(link = new FakeLink()): Promise<{ link: FakeLink; member: Member }> {
  const member = await openPublisher({ link, cluster: 'demo' }).join(SPEC);
  return { link, member };
}

const typesOn = (link: FakeLink) => link.events.map(({ payload }) => (payload as { type: string }).type);

describe('heartbeats', () => {
  test('come at their interval, ±10 %, and end with the member', async () => {
    const { link, member } = await joined();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(link.published.length).toBeGreaterThanOrEqual(181);
    expect(link.published.length).toBeLessThanOrEqual(223);
    expect(new Set(link.published)).toEqual(new Set(['muster-live.demo.lease.spells.spells-1']));
    await member.leave();
    const before = link.published.length;
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(link.published).toHaveLength(before);
  });

  test('are not kept for later while NATS is away; one is sent at once when it is back', async () => {
    const { link } = await joined();
    await vi.advanceTimersByTimeAsync(5_500);
    const before = link.published.length;
    link.switch(false);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(link.published).toHaveLength(before);
    link.switch(true);
    expect(link.published).toHaveLength(before + 1);
    expect(typesOn(link)).toEqual(['BackendRegistered']);
  });

  test('of many members share one subscription', async () => {
    const link = new FakeLink();
    const publisher = openPublisher({ link, cluster: 'demo', inboxPrefix: '_INBOX_pub' });
    const ids = Array.from({ length: 200 }, (_, index) => `m-${index}`);
    await Promise.all(ids.map((id) => publisher.join({ ...SPEC, id })));
    await vi.advanceTimersByTimeAsync(6_000);
    expect(new Set(link.replySubjects).size).toBe(200);
    expect(link.subscriptions).toEqual([expect.stringMatching(/^_INBOX_pub\.[^.]+\.\*$/)]);
    await publisher.close();
    expect(typesOn(link).filter((type) => type === 'BackendDeregistered')).toHaveLength(200);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a member that nodes do not know', () => {
  test('registers again, and again drains', async () => {
    const { link, member } = await joined();
    await member.drain('deploy');
    await vi.advanceTimersByTimeAsync(60_000);
    link.answer(UNKNOWN);
    link.answer(UNKNOWN);
    await vi.advanceTimersByTimeAsync(0);
    const drain = { type: 'BackendModeSet', mode: 'drain', reason: 'deploy' };
    const registered = { type: 'BackendRegistered', target: '10.0.0.5:8001', weight: 1, leaseMs: 15_000 };
    expect(link.events.map(({ payload }) => payload)).toEqual([registered, drain, registered, drain]);
    expect(member.state).toBe('draining');
    await member.leave();
  });

  test('does not fill the journal when that does not help', async () => {
    const { link, member } = await joined();
    for (let beat = 0; beat < 720; beat++) {
      await vi.advanceTimersByTimeAsync(5_000);
      link.answer(UNKNOWN);
    }
    expect(typesOn(link).length).toBeLessThan(70);
    await member.leave();
  });

  test('drains once, when it was told to while it registered again', async () => {
    const { link, member } = await joined();
    await vi.advanceTimersByTimeAsync(60_000);
    link.answer(UNKNOWN);
    expect(member.state).toBe('registering');
    await member.drain();
    expect(typesOn(link)).toEqual(['BackendRegistered', 'BackendRegistered', 'BackendModeSet']);
    expect(member.state).toBe('draining');
    await member.leave();
  });
});

describe('a member that was removed', () => {
  test('falls silent, says by whom, and does not come back', async () => {
    const { link, member } = await joined();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { state } of member.changes()) seen.push(state);
    })();
    await vi.advanceTimersByTimeAsync(6_000);
    link.answer(removedAt(7));
    await watching;
    expect(seen).toEqual(['registered', 'removed']);
    expect(member.status).toEqual({ state: 'removed', revision: 7, origin: 'cli:alice', reason: 'broken' });
    link.answer(UNKNOWN);
    const before = link.published.length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(link.published).toHaveLength(before);
    expect(await member.drain()).toMatchObject({ outcome: 'unconfirmed' });
    expect(await member.leave()).toEqual({ outcome: 'acknowledged', revision: 7 });
    expect(typesOn(link)).toEqual(['BackendRegistered']);
  });

  test('before it registered was another life of it', async () => {
    const link = new FakeLink();
    await joined(link);
    const { member } = await joined(link);
    await vi.advanceTimersByTimeAsync(6_000);
    link.answer(removedAt(1));
    expect(member.state).toBe('registered');
  });

  test.each(['', '{', '{"standing":"gone"}', 'x'.repeat(10_000)])('is not one for the answer %j', async (text) => {
    const { link, member } = await joined();
    await vi.advanceTimersByTimeAsync(6_000);
    link.answer(text.slice(0, 5_000));
    expect(member.state).toBe('registered');
    await member.leave();
  });
});

test('changes are those that are left when somebody looks', async () => {
  const { member } = await joined();
  await member.drain();
  const changes = member.changes();
  expect((await changes.next()).value).toEqual({ state: 'draining' });
  await member.leave();
  expect((await changes.next()).value).toEqual({ state: 'left' });
  expect((await changes.next()).done).toBe(true);
});

test('drain and leave say so when no answer comes, and drain goes on trying', async () => {
  const { link, member } = await joined();
  link.switch(false);
  const drained = member.drain();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await drained).toEqual({ outcome: 'unconfirmed', message: 'no acknowledgement within 2000 ms' });
  expect(member.state).toBe('draining');
  const left = member.leave();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await left).toEqual({ outcome: 'unconfirmed', message: 'switched off' });
  expect(member.state).toBe('left');
  expect(vi.getTimerCount()).toBe(0);
});
