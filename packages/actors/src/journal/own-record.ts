/**
 * This node's own record in the journal: that it has started, that it has stopped.
 *
 * Each word expects the newest event on the node's subject that this process knows of. So of two processes that would be the same
 * node only one is recorded, and the last word of a process that was replaced does not stop the one that took its place. A word
 * that the journal does not take is said again until it does, under the same id.
 */
import { randomUUIDv7 } from 'node:crypto';
import { backoffMs, RETRY_BACKOFF, formatSubject, type MembershipEventInput } from '@muster/membership';
import { pause } from '../clock.ts';
import type { FoldedRoster } from '../folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import { NewestMap } from '../newest-map.ts';
import type { Clock, Logger } from '../ports.ts';

/** How long to wait until this node has folded what it said. */
const FOLD_WAIT_MS = 2_000;
/** Of how many own words it is known that they are own ones. An older one has been folded, or never will be. */
const STARTED_IDS_MAX = 16;

export interface OwnRecordPorts {
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly workers: number;
  /** How long others wait for a word of this node before they declare it stopped; null where nobody listens. */
  readonly leaseMs: number | null;
}

/** What became of a word. */
export type Said =
  | { readonly outcome: 'recorded'; readonly revision: number }
  /** Something newer is on the subject, at this revision; nothing was recorded. */
  | { readonly outcome: 'overtaken'; readonly revision: number }
  /** The journal never takes it; the log says why. */
  | { readonly outcome: 'refused' }
  /** Another word took its place, or there is nothing to say any more. It may be recorded all the same. */
  | { readonly outcome: 'left-off' };

export class OwnRecord {
  readonly #ports: OwnRecordPorts;
  /** Ends what is being said, or the wait before it is said again. */
  #saying = new AbortController();
  #retry = new AbortController();
  readonly #startedIds = new NewestMap<string, true>(STARTED_IDS_MAX);

  constructor(ports: OwnRecordPorts) {
    this.#ports = ports;
    ports.contact.onBack(() => this.#retry.abort());
  }

  /** Whether a `NodeStarted` with this id is one of this process's newest. */
  hasSaid(id: string): boolean {
    return this.#startedIds.has(id);
  }

  /** Says that the node has started. Resolves when it is folded, or will not be. */
  sayStarted(expectedRevision: number): Promise<Said> {
    const { workers, leaseMs } = this.#ports;
    const event = { type: 'NodeStarted', workers, ...(leaseMs !== null && { leaseMs }) } as const;
    const id = randomUUIDv7();
    this.#startedIds.set(id, true);
    return this.#say(event, { id, expectedRevision });
  }

  /** Says that it has stopped. One try, because nobody waits for more. */
  async sayStopped(reason: string | null, expectedRevision: number): Promise<void> {
    const event = { type: 'NodeStopped', ...(reason !== null && { reason }) } as const;
    const saying = this.#say(event, { id: randomUUIDv7(), expectedRevision });
    this.#saying.abort();
    await saying;
  }

  /** What is being said is not said again. */
  leaveOff(): void {
    this.#saying.abort();
  }

  async #say(
    event: MembershipEventInput,
    { id, expectedRevision }: { readonly id: string; readonly expectedRevision: number },
  ): Promise<Said> {
    const { contact, folded, clock, random, log } = this.#ports;
    this.#saying.abort();
    this.#saying = new AbortController();
    const { signal } = this.#saying;
    const { node } = folded;
    const subject = formatSubject(folded.roster.cluster, { kind: 'node', node });
    const record = { id, subject, origin: `node:${node}`, payload: JSON.stringify(event) };
    for (let failuresCount = 0; ; failuresCount++) {
      const outcome = contact.journalRefusal() === null ? await contact.append(record, { expectedRevision }) : null;
      switch (outcome?.outcome) {
        case 'appended':
          await folded.whenFolded(outcome.revision, FOLD_WAIT_MS);
          return { outcome: 'recorded', revision: outcome.revision };
        case 'conflict':
          return { outcome: 'overtaken', revision: outcome.actualRevision };
        case 'refused':
          log.error(outcome, 'the journal refused what this node says of itself');
          return { outcome: 'refused' };
        case 'unavailable':
        case 'unknown':
        case undefined:
          break;
      }
      if (signal.aborted) return { outcome: 'left-off' };
      this.#retry = new AbortController();
      const delayMs = backoffMs(failuresCount, RETRY_BACKOFF, random);
      await pause(clock, delayMs, AbortSignal.any([signal, this.#retry.signal]));
      if (signal.aborted) return { outcome: 'left-off' };
    }
  }
}
