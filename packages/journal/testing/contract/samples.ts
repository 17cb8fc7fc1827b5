/**
 * Events to append, and the short ways in which the contract's tests append, collect and follow.
 *
 * What a test asserts stays in the test; here is only what would be repeated in most of them.
 */
import { randomUUID } from 'node:crypto';
import type { RecordedEvent } from '@muster/membership';
import { expect } from 'vitest';
import type { AppendOptions, AppendOutcome, FollowItem, Journal, NewEvent } from '../../src/journal.ts';

export type Appended = Extract<AppendOutcome, { outcome: 'appended' }>;

const SUBJECT = 'muster.test.pool.spells';
export const OTHER_SUBJECT = 'muster.test.backend.spells.spells-1';

/** A valid event that no other one equals, except in what is given. */
export function sampleEvent(parts: Partial<NewEvent> = {}): NewEvent {
  return { id: randomUUID(), subject: SUBJECT, origin: null, payload: '{"type":"PoolRemoved"}', ...parts };
}

/** Appends and insists that it was stored. */
export async function mustAppend(journal: Journal, event: NewEvent, options?: AppendOptions): Promise<Appended> {
  const outcome = await journal.append(event, options);
  expect(outcome).toMatchObject({ outcome: 'appended' });
  return outcome as Appended;
}

/** Appends so many sample events side by side, and answers their revisions in order. */
export async function appendMany(journal: Journal, count: number, parts: Partial<NewEvent> = {}): Promise<number[]> {
  const outcomes = await Promise.all(Array.from({ length: count }, () => mustAppend(journal, sampleEvent(parts))));
  return outcomes.map(({ revision }) => revision);
}

export async function collect(events: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> {
  const collected: RecordedEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

/** A follower read by hand, so that a test decides when it reads. Disposing it aborts it. */
export class FollowerUnderTest {
  readonly #abort = new AbortController();
  readonly #items: AsyncIterator<FollowItem>;

  constructor(journal: Journal, afterRevision = 0, epoch?: string) {
    const { signal } = this.#abort;
    const options = epoch === undefined ? { afterRevision, signal } : { afterRevision, epoch, signal };
    this.#items = journal.follow(options)[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<FollowItem, unknown>> {
    return this.#items.next();
  }

  async nextItem(): Promise<FollowItem> {
    const result = await this.next();
    if (result.done === true) throw new Error('the follower ended');
    return result.value;
  }

  /** Reads up to the next mark and answers the events before it. */
  async untilCaughtUp(): Promise<{ events: RecordedEvent[]; revision: number }> {
    const events: RecordedEvent[] = [];
    for (;;) {
      const item = await this.nextItem();
      if (item.kind === 'events') events.push(...item.events);
      else if (item.kind === 'caught-up') return { events, revision: item.revision };
      else throw new Error(`the follower was told ${JSON.stringify(item)}`);
    }
  }

  /** Reads, over marks, up to the event with this revision and answers the events. */
  async untilRevision(revision: number): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    while ((events.at(-1)?.revision ?? 0) < revision) {
      const item = await this.nextItem();
      if (item.kind === 'events') events.push(...item.events);
    }
    return events;
  }

  abort(): void {
    this.#abort.abort();
  }

  [Symbol.dispose](): void {
    this.abort();
  }
}
