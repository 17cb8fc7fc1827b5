/** Members' leases follow the fold: event by event, in batches, or out of a roster as it is. */
import { emptyRoster, foldBatch, type RecordedEvent, type Roster } from '@muster/membership';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RejectedEvent } from '../folded-roster.ts';
import { describeHolder, type Lease } from './lease.ts';
import { MemberLeases } from './member-leases.ts';

/** Holds leases and does nothing about them. */
class HeldLeases {
  readonly held = new Set<Lease>();
  hold(lease: Lease): void {
    this.held.add(lease);
  }
  letGo(lease: Lease): void {
    this.held.delete(lease);
  }
}

class Watcher {
  readonly leases = new HeldLeases();
  readonly members: MemberLeases;
  roster: Roster = emptyRoster('demo');
  readonly rejections: RejectedEvent[] = [];
  nowMs = 0;

  constructor() {
    this.members = new MemberLeases({
      cluster: 'demo',
      leases: this.leases,
      hearing: { sinceMs: 0 },
      clock: { elapsedMs: () => this.nowMs },
      roster: () => this.roster,
      rejectionAt: (revision) => this.rejections.find((rejection) => rejection.revision === revision) ?? null,
      isUpToDate: () => true,
    });
  }

  fold(events: readonly RecordedEvent[]): void {
    const { roster, rejections } = foldBatch(this.roster, events, { witness: this.members.witness });
    this.roster = roster;
    for (const rejection of rejections) {
      const { subject } = events.find(({ revision }) => revision === rejection.revision)!;
      this.rejections.push({ ...rejection, subject });
    }
  }

  /** Whose lease is held, how long it is, and the standing that its end would expect. */
  held(): string[] {
    const lines = [...this.leases.held].map(({ entity, leaseMs, revision }) => {
      return `${describeHolder(entity)} ${leaseMs} @${revision}`;
    });
    return lines.sort();
  }

  /** What a member at this target is answered when it is heard long enough. */
  answerTo(backend: string, target: string): string | null {
    let answer: string | null = null;
    for (this.nowMs = 10_000; this.nowMs <= 20_000; this.nowMs += 10_000) {
      const subject = `muster-live.demo.lease.p.${backend}`;
      this.members.hear({ subject, text: JSON.stringify({ target }), answer: (text) => (answer = text) });
    }
    return answer;
  }

  /** What a member is answered that asks what became of its registration; null: nothing. */
  verdict(backend: string, { target, revision }: { target: string; revision: number }): unknown {
    let answer: unknown = null;
    const subject = `muster-live.demo.lease.p.${backend}`;
    const text = JSON.stringify({ target, revision });
    this.members.hear({ subject, text, answer: (said) => (answer = JSON.parse(said)) });
    return answer;
  }
}

const BACKENDS = ['b-1', 'b-2'];
const TARGETS = ['10.0.0.1:80', '10.0.0.2:80'];

const change = fc.record({
  entity: fc.constantFrom(...BACKENDS.map((backend) => `backend.p.${backend}`)),
  event: fc.oneof(
    fc.record({
      type: fc.constant('BackendRegistered'),
      target: fc.constantFrom(...TARGETS),
      leaseMs: fc.constantFrom(5_000, 10_000, undefined),
    }),
    fc.constantFrom({ type: 'BackendModeSet', mode: 'drain' }, { type: 'Nonsense' }),
    fc.record({ type: fc.constant('BackendDeregistered'), reason: fc.constantFrom('lease-expired', 'too old') }),
  ),
});
const poolChange = fc.record({
  entity: fc.constant('pool.p'),
  event: fc.constantFrom({ type: 'PoolDefined' }, { type: 'PoolRemoved' }),
});
const history = fc
  .array(fc.oneof({ weight: 9, arbitrary: change }, { weight: 1, arbitrary: poolChange }), { maxLength: 60 })
  .map((entries) => [{ entity: 'pool.p', event: { type: 'PoolDefined' } }, ...entries])
  .map((entries) =>
    entries.map(({ entity, event }, index): RecordedEvent => {
      const revision = index + 1;
      const payload = JSON.stringify(event);
      return {
        revision,
        timeMs: revision,
        id: `e-${revision}`,
        subject: `muster.demo.${entity}`,
        origin: null,
        payload,
      };
    }),
  );

test('however the events are cut into batches, the same leases are held and the same answers given', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 2, max: 30 }), (events, size) => {
      const [live, batched] = [new Watcher(), new Watcher()];
      for (const event of events) live.fold([event]);
      for (let at = 0; at < events.length; at += size) batched.fold(events.slice(at, at + size));
      expect(batched.held()).toEqual(live.held());
      for (const backend of BACKENDS)
        for (const target of TARGETS) expect(batched.answerTo(backend, target)).toEqual(live.answerTo(backend, target));
    }),
    { numRuns: 300 },
  );
});

test('a node that takes the leases out of a roster holds those that one which saw every event holds', () => {
  fc.assert(
    fc.property(history, fc.nat(60), (events, seenCount) => {
      const [always, later] = [new Watcher(), new Watcher()];
      always.fold(events);
      later.roster = foldBatch(later.roster, events.slice(0, seenCount)).roster;
      later.members.onReplaced(later.roster, { isOtherHistory: false });
      later.fold(events.slice(seenCount));
      expect(later.held()).toEqual(always.held());
      expect(later.members.count).toBe(always.members.count);
    }),
    { numRuns: 300 },
  );
});

function registration(revision: number, backend: string, fields: object): RecordedEvent {
  const subject = `muster.demo.backend.p.${backend}`;
  const payload = JSON.stringify({ type: 'BackendRegistered', leaseMs: 5_000, ...fields });
  return { revision, timeMs: revision, id: `e-${revision}`, origin: null, subject, payload };
}

test('who asks what became of its registration is told by each node that has folded it, and about its own alone', () => {
  const watcher = new Watcher();
  const pool = { ...registration(1, '', {}), subject: 'muster.demo.pool.p', payload: '{"type":"PoolDefined"}' };
  const asked = { target: 'a:1', revision: 2 };
  watcher.fold([pool]);
  expect(watcher.verdict('b-1', asked)).toBeNull();
  watcher.fold([registration(2, 'b-1', { target: 'a:1' }), registration(3, 'b-2', { target: 'b:1', weight: 0 })]);
  expect(watcher.verdict('b-1', asked)).toEqual({ standing: 'accepted', revision: 2 });
  expect(watcher.verdict('b-2', { target: 'b:1', revision: 3 })).toMatchObject({
    standing: 'rejected',
    revision: 3,
    reason: watcher.rejections[0]!.reason,
    message: expect.stringContaining('weight') as string,
  });
  // Neither what is not folded yet, nor what another backend said, nor another target.
  expect(watcher.verdict('b-1', { target: 'a:1', revision: 9 })).toBeNull();
  expect(watcher.verdict('b-1', { target: 'a:2', revision: 2 })).toBeNull();
  expect(watcher.verdict('b-1', { target: 'a:1', revision: 3 })).toEqual({ standing: 'accepted', revision: 3 });
  // The same registration again, after it was passed over, is what counts.
  watcher.fold([registration(4, 'b-2', { target: 'b:1' })]);
  expect(watcher.verdict('b-2', { target: 'b:1', revision: 4 })).toEqual({ standing: 'accepted', revision: 4 });
});

test('another history: who is in both at the same target stays as alive as it was, and nothing else is remembered', () => {
  const watcher = new Watcher();
  const register = (revision: number, backend: string, target: string): RecordedEvent => ({
    revision,
    timeMs: revision,
    id: `e-${revision}`,
    subject: `muster.demo.backend.p.${backend}`,
    origin: null,
    payload: JSON.stringify({ type: 'BackendRegistered', target, leaseMs: 5_000 }),
  });
  const leave: RecordedEvent = { ...register(5, 'b-4', 'd:1'), payload: '{"type":"BackendDeregistered"}' };
  const pool: RecordedEvent = {
    ...register(1, '', ''),
    subject: 'muster.demo.pool.p',
    payload: '{"type":"PoolDefined"}',
  };
  watcher.fold([pool, register(2, 'b-1', 'a:1'), register(3, 'b-2', 'b:1'), register(4, 'b-4', 'd:1'), leave]);
  watcher.nowMs = 700;
  watcher.roster = foldBatch(emptyRoster('demo'), [
    pool,
    register(7, 'b-1', 'a:1'),
    register(8, 'b-2', 'other:1'),
    register(9, 'b-3', 'c:1'),
  ]).roster;
  watcher.members.onReplaced(watcher.roster, { isOtherHistory: true });
  expect(watcher.held()).toEqual(['p/b-1 5000 @7', 'p/b-2 5000 @8', 'p/b-3 5000 @9']);
  const aliveMs = [...watcher.leases.held].map((lease) => lease.aliveMs);
  expect(aliveMs).toEqual([0, 700, 700]);
  expect(watcher.answerTo('b-4', 'd:1')).toBe('{"standing":"unknown"}');
});
