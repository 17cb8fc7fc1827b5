/**
 * Commands: decided on the newest roster, appended with that expectation, answered when this node has folded the event.
 *
 * Somebody else may have appended in between; the journal then refuses the expectation, and the command is decided again
 * on a roster that holds what was not known. An event on the subject that the fold has rejected counts for the journal
 * and not for the roster, so the expectation is the newer of both.
 *
 * While the journal cannot be read, has not been read to its end, its leader does not answer, or it is another history, a command fails at
 * once: it could only wait, or would be decided on old news. Only the moment after a start in which a node listens for its own name
 * is waited out, because that ends by itself. One that is under way when that begins fails within `APPEND_TIMEOUT_MS`.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { AppendOutcome, NewEvent } from '@muster/journal';
import { decide, formatSubject, parsePayload, type Command, type Decision } from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { JournalPulse } from './journal-pulse.ts';
import type { CommandOutcome } from '../node-handle.ts';
import type { Clock } from '../ports.ts';

/** How often a command is decided before it is answered `contended`. */
const DECISIONS_MAX = 5;
/** Commands under way at once; a further one is answered `unavailable`. */
const COMMANDS_IN_FLIGHT_MAX = 1_024;
/** How long the journal may take for one append. */
const APPEND_TIMEOUT_MS = 2_000;
/** How long to wait for the fold. An appended command is then answered all the same. */
const FOLD_WAIT_MS = 5_000;

export interface CommandExecutorPorts {
  /** What commands are decided on. */
  readonly folded: FoldedRoster;
  readonly contact: Pick<JournalContact, 'append' | 'failed' | 'tookAppend'>;
  /** Why nothing may be decided or appended, for people; or null. It may wait out what ends by itself within a few seconds. */
  readonly refusal: () => Promise<string | null>;
  /** Null for a node whose journal is its own. */
  readonly pulse: Pick<JournalPulse, 'silence' | 'look'> | null;
  readonly clock: Clock;
}

export class CommandExecutor {
  readonly #ports: CommandExecutorPorts;
  #inFlightCount = 0;

  constructor(ports: CommandExecutorPorts) {
    this.#ports = ports;
  }

  async execute(command: Command, origin: string): Promise<CommandOutcome> {
    if (this.#inFlightCount >= COMMANDS_IN_FLIGHT_MAX) {
      const message = `${COMMANDS_IN_FLIGHT_MAX} commands are under way; try again in a moment`;
      return { outcome: 'unavailable', isStored: 'no', message };
    }
    this.#inFlightCount += 1;
    try {
      const refusal = (await this.#ports.refusal()) ?? (await this.#leaderIsSilent());
      if (refusal !== null) return { outcome: 'unavailable', isStored: 'no', message: refusal };
      return await this.#decideAndAppend(command, origin);
    } finally {
      this.#inFlightCount -= 1;
    }
  }

  /** A leader that was silent is asked once more: it may be back since a moment ago. */
  async #leaderIsSilent(): Promise<string | null> {
    const { pulse } = this.#ports;
    if (pulse === null || pulse.silence === null) return null;
    await pulse.look();
    const { silence } = pulse;
    return silence && `${silence}: nothing was appended; try again when it answers`;
  }

  async #decideAndAppend(command: Command, origin: string): Promise<CommandOutcome> {
    let newestOnSubject = 0;
    for (let decisionsCount = 0; decisionsCount < DECISIONS_MAX; decisionsCount++) {
      const decision = decide(this.#ports.folded.roster, command, origin);
      if (decision.outcome !== 'accepted') return decision;
      const expectedRevision = Math.max(decision.expectedRevision, newestOnSubject);
      const event = this.#eventOf(decision, origin);
      // What every reader would pass over is not written down: an event that is too large, for example.
      const checked = parsePayload(event.payload);
      if ('reason' in checked) {
        return { outcome: 'refused', reason: 'invalid', message: checked.message, suggestion: null };
      }
      const outcome = await this.#append(event, expectedRevision);
      if (outcome.outcome !== 'conflict') return this.#answer(outcome);
      newestOnSubject = outcome.actualRevision;
      if (!(await this.#ports.folded.whenFolded(outcome.actualRevision, FOLD_WAIT_MS))) break;
    }
    const message = `others keep changing the same thing; look at it again, then repeat the command`;
    return { outcome: 'refused', reason: 'contended', message, suggestion: null };
  }

  #eventOf({ entity, event }: Extract<Decision, { outcome: 'accepted' }>, origin: string): NewEvent {
    const subject = formatSubject(this.#ports.folded.roster.cluster, entity);
    return { id: randomUUIDv7(), subject, origin, payload: JSON.stringify(event) };
  }

  /** Where the answer got lost, asks once more if there is time: the id makes that harmless. */
  async #append(event: NewEvent, expectedRevision: number): Promise<AppendOutcome> {
    const beganMs = this.#ports.clock.elapsedMs();
    const leftMs = () => APPEND_TIMEOUT_MS - (this.#ports.clock.elapsedMs() - beganMs);
    const attempt = () => this.#ports.contact.append(event, { expectedRevision, timeoutMs: leftMs() });
    const first = await attempt();
    if (first.outcome !== 'unknown' || leftMs() <= 0) return first;
    const second = await attempt();
    // Not taken now says nothing about the first try.
    return second.outcome === 'unavailable' ? first : second;
  }

  async #answer(outcome: Exclude<AppendOutcome, { outcome: 'conflict' }>): Promise<CommandOutcome> {
    switch (outcome.outcome) {
      case 'appended': {
        const { revision } = outcome;
        this.#ports.contact.tookAppend();
        this.#ports.folded.heardOf(revision);
        await this.#ports.folded.whenFolded(revision, FOLD_WAIT_MS);
        const rejection = this.#ports.folded.rejectionAt(revision);
        if (rejection === null) return { outcome: 'appended', revision };
        return { outcome: 'refused', reason: 'invalid', message: rejection.message, suggestion: null };
      }
      case 'refused':
        return { outcome: 'refused', reason: 'invalid', message: outcome.message, suggestion: null };
      case 'unavailable':
        this.#ports.contact.failed(outcome.message);
        return { outcome: 'unavailable', isStored: 'no', message: outcome.message };
      case 'unknown':
        this.#ports.contact.failed(outcome.message);
        return { outcome: 'unavailable', isStored: 'unknown', message: outcome.message };
    }
  }
}
