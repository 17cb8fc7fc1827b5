/**
 * Contract: everything that a journal can be asked, at once and in any order.
 *
 * The other groups ask one kind of thing and wait for its answer. A node does not: while its facts are being appended, somebody
 * reads the newest events, a snapshot is saved, an export reads from the start, and followers come and go. So here a generator
 * makes lanes of calls that run side by side, some in one turn of the event loop and some turns apart, and a small model says
 * what must hold whatever the order was:
 *
 *   - every call is answered;
 *   - what was acknowledged is read once, at its revision, with its own payload, and what was refused is not read at all;
 *   - a read holds everything that was acknowledged before it began, and what it holds is a piece of the final log;
 *   - a follower is handed a piece of the final log without a gap, and a snapshot comes back as it was saved.
 */
import { setTimeout } from 'node:timers/promises';
import * as fc from 'fast-check';
import type { RecordedEvent } from '@muster/membership';
import { expect } from 'vitest';
import type { ContractTests } from './subject.ts';
import { JournalError, type AppendOutcome, type Journal, type NewEvent } from '../../src/journal.ts';
import { collect, FollowerUnderTest, sampleEvent } from './samples.ts';

const SEED = 20_260_801;
const RUNS = 25;
/** A call that has no answer after so long gets none: that is told by name, before the test itself is late. */
const ANSWER_MS = 40_000;
const PATIENCE_MS = 20_000;
const ASK_AGAIN_MS = 50;
const SUBJECTS = ['muster.test.pool.a', 'muster.test.pool.b', 'muster.test.backend.a.x'];

/** Turns of the event loop that a lane lets pass before a call; 0: it is made in the same turn as the one before. */
const turns = fc.integer({ min: 0, max: 3 });
const place = fc.double({ min: 0, max: 1, noNaN: true });

const callKinds = {
  append: fc.record({ kind: fc.constant('append'), subject: fc.nat(2), expects: fc.boolean(), turns }),
  again: fc.record({ kind: fc.constant('again'), place, turns }),
  refused: fc.record({ kind: fc.constant('refused'), turns }),
  read: fc.record({ kind: fc.constant('read'), place, leavesEarly: fc.boolean(), turns }),
  readSince: fc.record({ kind: fc.constant('readSince'), turns }),
  head: fc.record({ kind: fc.constant('head'), turns }),
  save: fc.record({ kind: fc.constant('save'), turns }),
  load: fc.record({ kind: fc.constant('load'), place, turns }),
  follow: fc.record({ kind: fc.constant('follow'), place, items: fc.integer({ min: 1, max: 4 }), turns }),
} as const;
type Call = {
  [Kind in keyof typeof callKinds]: (typeof callKinds)[Kind] extends fc.Arbitrary<infer Shape> ? Shape : never;
}[keyof typeof callKinds];

const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 6, arbitrary: callKinds.append },
  ...[callKinds.again, callKinds.refused, callKinds.head, callKinds.save, callKinds.load, callKinds.readSince].map(
    (arbitrary) => ({ weight: 1, arbitrary }),
  ),
  { weight: 3, arbitrary: callKinds.read },
  { weight: 2, arbitrary: callKinds.follow },
);
const lanes = fc.array(fc.array(call, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 6 });

interface Tried {
  readonly event: NewEvent;
  readonly outcome: AppendOutcome;
}

function expectSame(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected);
}

function expectAtLeast(actual: number, least: number): void {
  expect(actual).toBeGreaterThanOrEqual(least);
}

/** Asks again, as a node does, while the answer is that the journal could not be had just now: its server may have too much to do. */
async function patiently<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      const answer = await ask();
      const outcome = (answer as { readonly outcome?: string } | null | undefined)?.outcome;
      const isAway = outcome === 'unavailable' || outcome === 'unknown';
      if (!isAway || performance.now() > deadlineMs) return answer;
    } catch (error) {
      if (!(error instanceof JournalError) || !error.isRetryable || performance.now() > deadlineMs) throw error;
    }
    await setTimeout(ASK_AGAIN_MS);
  }
}

/** One run: its calls, and what the journal answered. */
class Interleaving {
  readonly #journal: Journal;
  readonly #epoch: string;
  readonly #tried: Tried[] = [];
  readonly #pieces: (readonly RecordedEvent[])[] = [];
  readonly #calls: Promise<void>[] = [];
  readonly #unanswered = new Set<Call>();
  readonly #snapshots = new Set<string>();
  #newest = 0;

  constructor(journal: Journal, { epoch, revision }: { readonly epoch: string; readonly revision: number }) {
    this.#journal = journal;
    this.#epoch = epoch;
    this.#newest = revision;
  }

  /** Makes the calls of a lane, each when its time has come, whether or not those before it were answered. */
  async runLane(calls: readonly Call[]): Promise<void> {
    for (const each of calls) {
      for (let turn = 0; turn < each.turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      this.#unanswered.add(each);
      this.#calls.push(this.#make(each).finally(() => this.#unanswered.delete(each)));
    }
  }

  async answered(): Promise<void> {
    const answered = new AbortController();
    const { signal } = answered;
    const late = setTimeout(ANSWER_MS, 'late', { signal }).catch(() => 'answered');
    try {
      if ((await Promise.race([Promise.all(this.#calls), late])) !== 'late') return;
    } finally {
      answered.abort();
    }
    throw new Error(`not answered within ${ANSWER_MS} ms: ${JSON.stringify([...this.#unanswered])}`);
  }

  #make(made: Call): Promise<void> {
    switch (made.kind) {
      case 'append':
        return this.#append(sampleEvent({ subject: SUBJECTS[made.subject]! }), made.expects);
      case 'again': {
        const earlier = this.#tried[Math.floor(made.place * this.#tried.length)];
        return earlier === undefined ? Promise.resolve() : this.#append(earlier.event, false);
      }
      case 'refused':
        return this.#append(sampleEvent({ id: 'with a space' }), false);
      case 'read':
        return this.#read(made);
      case 'readSince':
        return this.#readSince();
      case 'head':
        return this.#head();
      case 'save':
        return this.#save();
      case 'load':
        return this.#load(this.#revisionAt(made.place));
      case 'follow':
        return this.#follow(this.#revisionAt(made.place), made.items);
    }
  }

  #revisionAt(place: number): number {
    return Math.floor(place * this.#newest);
  }

  async #append(event: NewEvent, expects: boolean): Promise<void> {
    const options = expects ? { expectedRevision: this.#newestOn(event.subject) } : {};
    const sent = { ...event, payload: JSON.stringify({ id: event.id }) };
    const outcome = await patiently(() => this.#journal.append(sent, options));
    this.#tried.push({ event, outcome });
    if (outcome.outcome === 'appended') this.#newest = Math.max(this.#newest, outcome.revision);
  }

  #newestOn(subject: string): number {
    const revisions = this.#tried.map(({ event, outcome }) => {
      return event.subject === subject && outcome.outcome === 'appended' ? outcome.revision : 0;
    });
    return Math.max(0, ...revisions);
  }

  async #read({ place, leavesEarly }: Extract<Call, { kind: 'read' }>): Promise<void> {
    const before = this.#newest;
    const fromRevision = this.#revisionAt(place) + 1;
    if (leavesEarly) return void this.#pieces.push(await patiently(() => this.#first(fromRevision)));
    const events = await patiently(() => collect(this.#journal.read({ fromRevision })));
    if (before >= fromRevision) expectAtLeast(events.at(-1)!.revision, before);
    this.#pieces.push(events);
  }

  async #first(fromRevision: number): Promise<readonly RecordedEvent[]> {
    for await (const event of this.#journal.read({ fromRevision })) return [event];
    return [];
  }

  async #readSince(): Promise<void> {
    this.#pieces.push(await patiently(() => collect(this.#journal.read({ fromTimeMs: 1 }))));
  }

  async #head(): Promise<void> {
    const before = this.#newest;
    const head = await patiently(() => this.#journal.head());
    expectSame(head.epoch, this.#epoch);
    expectAtLeast(head.revision, before);
  }

  async #save(): Promise<void> {
    const revision = this.#newest;
    if (revision === 0) return;
    const data = `roster at ${revision}`;
    this.#snapshots.add(data);
    const snapshot = { epoch: this.#epoch, revision, hash: `hash of ${data}`, data };
    await patiently(() => this.#journal.saveSnapshot(snapshot));
  }

  async #load(atOrBefore: number): Promise<void> {
    const snapshot = await patiently(() => this.#journal.loadSnapshot(atOrBefore));
    if (snapshot === null) return;
    const data = `roster at ${snapshot.revision}`;
    expectSame(snapshot, { epoch: this.#epoch, revision: snapshot.revision, hash: `hash of ${data}`, data });
    expectAtLeast(atOrBefore, snapshot.revision);
  }

  async #follow(afterRevision: number, items: number): Promise<void> {
    using follower = new FollowerUnderTest(this.#journal, afterRevision);
    const events: RecordedEvent[] = [];
    for (let taken = 0; taken < items; taken += 1) {
      const item = await follower.nextItem();
      if (item.kind === 'events') events.push(...item.events);
      else if (item.kind === 'away') continue;
      else if (item.kind !== 'caught-up') throw new Error(`the follower was told ${JSON.stringify(item)}`);
      else break;
    }
    this.#pieces.push(events);
  }

  /** Compares what was answered with the log as it is in the end. */
  async check(): Promise<void> {
    const log = await patiently(() => collect(this.#journal.read()));
    const indexByRevision = new Map(log.map(({ revision }, index) => [revision, index]));
    expectSame(indexByRevision.size, log.length);
    for (const events of this.#pieces.filter(({ length }) => length > 0)) {
      const start = indexByRevision.get(events[0]!.revision)!;
      expectSame(events, log.slice(start, start + events.length));
    }
    const idsStored = new Set(log.map(({ id }) => id));
    for (const { event, outcome } of this.#tried) {
      const { id, subject } = event;
      if (outcome.outcome === 'appended') {
        const stored = log[indexByRevision.get(outcome.revision)!];
        expectSame([stored?.id, stored?.subject, stored?.payload], [id, subject, JSON.stringify({ id })]);
      } else {
        expectSame(outcome.outcome === 'conflict' || outcome.outcome === 'refused', true);
      }
    }
    const acknowledged = this.#tried.filter(({ outcome }) => outcome.outcome === 'appended' && !outcome.isDuplicate);
    const ids = acknowledged.map(({ event }) => event.id);
    expectSame(new Set(ids).size, ids.length);
    for (const id of ids) expectSame(idsStored.has(id), true);
  }
}

export const interleavingTests: ContractTests = {
  'appends, reads, snapshots, heads and followers at once: each is answered with its own': async ({ journal }) => {
    const property = fc.asyncProperty(lanes, async (given) => {
      const run = new Interleaving(journal, await patiently(() => journal.head()));
      await Promise.all(given.map((calls) => run.runLane(calls)));
      await run.answered();
      await run.check();
    });
    // All runs are made on one journal, so a smaller one would not find the state that the first failure had.
    await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: true });
  },
};
