/**
 * This node's own record in the journal: that it has started, that it has stopped.
 *
 * Each is said until the journal has it, because a node that nobody knows of has no voice in a quorum. `NodeStarted` is said
 * once per history, and again when somebody has declared the node stopped.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { AppendOutcome } from '@muster/journal';
import { formatSubject, type MembershipEventInput, messageOf } from '@muster/membership';
import { backoffMs, RETRY_BACKOFF } from './backoff.ts';
import type { FoldedRoster } from './folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import { pause } from './pause.ts';
import type { Clock, Logger } from './ports.ts';

/** How long to wait until this node has folded what it said. */
const FOLD_WAIT_MS = 2_000;

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

export class OwnRecord {
  readonly #ports: OwnRecordPorts;
  /** Ends what is being said, or the wait before it is said again. */
  #saying = new AbortController();
  #retry = new AbortController();
  #hasSaidStarted = false;

  constructor(ports: OwnRecordPorts) {
    this.#ports = ports;
    ports.contact.onBack(() => this.#retry.abort());
  }

  /** Says that the node has started, unless this history was told already. Resolves when it is folded or superseded. */
  async sayStarted(): Promise<void> {
    if (this.#hasSaidStarted) return;
    this.#hasSaidStarted = true;
    const { workers, leaseMs } = this.#ports;
    await this.#say({ type: 'NodeStarted', workers, ...(leaseMs !== null && { leaseMs }) });
  }

  /** What was said is not in the roster, or no longer holds: `sayStarted` says it once more. */
  forget(): void {
    this.#hasSaidStarted = false;
  }

  /** Says that it has stopped. One try, because nobody waits for more. */
  async sayStopped(reason: string | null): Promise<void> {
    const saying = this.#say({ type: 'NodeStopped', ...(reason !== null && { reason }) });
    this.#saying.abort();
    await saying;
  }

  async #say(event: MembershipEventInput): Promise<void> {
    const { contact, folded, clock, random, log } = this.#ports;
    this.#saying.abort();
    this.#saying = new AbortController();
    const { signal } = this.#saying;
    const { node } = folded;
    const subject = formatSubject(folded.roster.cluster, { kind: 'node', node });
    const record = { id: randomUUIDv7(), subject, origin: `node:${node}`, payload: JSON.stringify(event) };
    for (let failuresCount = 0; ; failuresCount++) {
      const outcome = contact.appendRefusal() === null ? await this.#append(record) : null;
      if (outcome?.outcome === 'appended') {
        await folded.whenFolded(outcome.revision, FOLD_WAIT_MS);
        return;
      }
      if (outcome?.outcome === 'refused') log.error(outcome, 'the journal refused what this node says of itself');
      if (outcome?.outcome === 'refused' || outcome?.outcome === 'conflict' || signal.aborted) return;
      this.#retry = new AbortController();
      const delayMs = backoffMs(failuresCount, RETRY_BACKOFF, random);
      await pause(clock, delayMs, AbortSignal.any([signal, this.#retry.signal]));
      if (signal.aborted) return;
    }
  }

  #append(record: Parameters<JournalContact['journal']['append']>[0]): Promise<AppendOutcome> {
    return this.#ports.contact.journal
      .append(record)
      .catch((error: unknown): AppendOutcome => ({ outcome: 'unknown', message: messageOf(error) }));
  }
}
