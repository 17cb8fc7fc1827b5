/**
 * The handover: what is written into another history before this node adopts it, so that nothing is missing in it at the turn of the swap.
 *
 *     restored by a person's word ──► everything that is served and missing there is written, once
 *           or not ──► whoever asked is told (the node's own config is applied) ──► written
 *
 * The other history is read on meanwhile, and what is written here is folded there like anybody's events; what others write after it
 * is newer. A restoration that fails ends the adoption, which would lose what it was to keep. Whoever else writes has
 * `OWN_WRITES_TIMEOUT_MS`; what they could not write by then they write after the swap.
 */
import { randomUUIDv7 } from 'node:crypto';
import { messageOf, restorationSteps, restoringEvent, type RestorationStep, type Roster } from '@muster/membership';
import { CommandExecutor } from './command-executor.ts';
import type { JournalContact } from './journal-contact.ts';
import type { NodeHandle } from '../node-handle.ts';
import type { Clock, Logger } from '../ports.ts';
import { inTime } from '../clock.ts';
import type { RosterBuilder } from './roster-builder.ts';

const OWN_WRITES_TIMEOUT_MS = 10_000;
const APPENDS_IN_FLIGHT_MAX = 128;
/** How long to wait until what was appended is folded. */
const FOLD_WAIT_MS = 5_000;

/** Writes into another history what its author would miss there. */
export type HistoryWriter = Parameters<NodeHandle['onAdopting']>[0];

export interface HandoverPorts {
  readonly contact: JournalContact;
  readonly clock: Clock;
  readonly log: Logger;
  /** Reads the other history. */
  readonly builder: RosterBuilder;
  /** The roster that is served, which stands still meanwhile. */
  readonly served: Roster;
  /** Who has all of it written there; null where nobody does. */
  readonly restoredBy: string | null;
  readonly writers: ReadonlySet<HistoryWriter>;
}

export type HandoverOutcome = 'written' | { readonly failure: string };

export class Handover {
  readonly #ports: HandoverPorts;

  constructor(ports: HandoverPorts) {
    this.#ports = ports;
  }

  /** Writes all that is to be written. Never rejects. */
  async write(): Promise<HandoverOutcome> {
    const { restoredBy, clock, log } = this.#ports;
    try {
      if (restoredBy !== null) await this.#restore(restoredBy);
    } catch (error) {
      return { failure: `what is served could not be written into the other history: ${messageOf(error)}` };
    }
    const written = await inTime(this.#writeOwn(), { clock, timeoutMs: OWN_WRITES_TIMEOUT_MS });
    if (written === 'late') log.warn({}, 'the config is not in the other history yet; it is applied after the swap');
    return 'written';
  }

  async #writeOwn(): Promise<void> {
    const { builder, contact, writers, clock, log } = this.#ports;
    const append = contact.append.bind(contact);
    const executor = new CommandExecutor({
      folded: builder.folded,
      contact: { append, failed: () => undefined, tookAppend: () => undefined },
      refusal: async () => this.#whyOver(),
      pulse: null,
      clock,
    });
    const successor: Parameters<HistoryWriter>[0] = {
      roster: () => builder.folded.roster,
      execute: (command, origin) => executor.execute(command, origin),
    };
    for (const write of writers) {
      await write(successor).catch((error: unknown) =>
        log.error({ err: error }, `the other history could not be prepared: ${messageOf(error)}`),
      );
    }
  }

  async #restore(by: string): Promise<void> {
    const { builder, served } = this.#ports;
    for (const group of groupsOf(restorationSteps(served, builder.folded.roster, by))) {
      const revisions = await Promise.all(group.map((step) => this.#append(step, by)));
      const isFolded = await builder.folded.whenFolded(Math.max(...revisions), FOLD_WAIT_MS);
      if (!isFolded) throw new Error('it is not read on');
    }
  }

  async #append(step: RestorationStep, by: string): Promise<number> {
    const over = this.#whyOver();
    if (over !== null) throw new Error(over);
    const { builder, contact } = this.#ports;
    const event = restoringEvent(builder.folded.roster.cluster, { ...step, origin: step.origin ?? by });
    const record = { id: randomUUIDv7(), ...event };
    const first = await contact.append(record);
    // The id makes a second try harmless.
    const outcome = first.outcome === 'unknown' ? await contact.append(record) : first;
    if (outcome.outcome === 'appended') return outcome.revision;
    throw new Error(outcome.outcome === 'conflict' ? 'somebody else writes the same' : outcome.message);
  }

  /** Why nothing more may be written: the journal is yet another one by now. */
  #whyOver(): string | null {
    const { contact, builder } = this.#ports;
    if (contact.replacement?.epoch === builder.epoch) return null;
    return `the journal is not history ${builder.epoch} any more`;
  }
}

/** Steps of one type in a row, at most `APPENDS_IN_FLIGHT_MAX` in a group. */
function groupsOf(steps: readonly RestorationStep[]): RestorationStep[][] {
  const groups: RestorationStep[][] = [];
  for (const step of steps) {
    const group = groups.at(-1);
    const isFull = group?.length === APPENDS_IN_FLIGHT_MAX;
    if (group !== undefined && !isFull && group[0]?.event.type === step.event.type) group.push(step);
    else groups.push([step]);
  }
  return groups;
}
