/**
 * The follower: reads the journal from where the node is, for ever, and hands every batch on.
 *
 * Each batch is at most `FOLLOW_BATCH_EVENTS` events, about 5 ms of folding, and the event loop has a turn after each. A
 * journal that cannot be read is tried again after 100 ms to 5 s. One that has become another history ends the follower.
 */
import { setImmediate } from 'node:timers/promises';
import type { RecordedEvent } from '@muster/membership';
import { backoffMs, messageOf, RETRY_BACKOFF } from './backoff.ts';
import type { FoldedRoster } from './folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { Clock } from './ports.ts';

export interface FollowerOptions {
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onEvents: (events: readonly RecordedEvent[]) => void;
  readonly onCaughtUp: () => void;
}

/** Starts following. Returns the function that ends it; nothing is handed on after that. */
export function followJournal(options: FollowerOptions): () => void {
  const { contact, clock, random } = options;
  const stopping = new AbortController();
  let timer: unknown = null;
  let failuresInARow = 0;
  const onAnswer = (): void => {
    failuresInARow = 0;
    contact.answered();
  };
  const start = (): void => {
    followOnce(options, { signal: stopping.signal, onAnswer }).catch((error: unknown) => {
      if (stopping.signal.aborted) return;
      contact.failed(messageOf(error));
      timer = clock.setTimeout(start, backoffMs(failuresInARow, RETRY_BACKOFF, random));
      failuresInARow += 1;
    });
  };
  start();
  return () => {
    stopping.abort();
    clock.clearTimeout(timer);
  };
}

/** One connection to the journal; ends when the history is gone or the signal says so, throws when it breaks. */
async function followOnce(
  { contact, folded, onEvents, onCaughtUp }: FollowerOptions,
  { signal, onAnswer }: { signal: AbortSignal; onAnswer: () => void },
): Promise<void> {
  const head = await contact.journal.head();
  if (signal.aborted || !contact.isSameEpoch(head.epoch)) return;
  onAnswer();
  folded.heardOf(head.revision);
  for await (const item of contact.journal.follow({ afterRevision: folded.roster.revision, signal })) {
    if (signal.aborted) return;
    switch (item.kind) {
      case 'events':
        onEvents(item.events);
        await setImmediate();
        break;
      case 'caught-up':
        folded.heardOf(item.revision);
        onCaughtUp();
        break;
      case 'epoch-changed':
        contact.replaced(item.epoch);
        return;
    }
  }
  if (!signal.aborted) throw new Error('the journal ended its follower without a reason');
}
