/**
 * What a node begins with: the journal's newest snapshot, or its own last one where the journal cannot be had.
 *
 *     the journal answers, and has the history of the local snapshot, or there is none   its newest snapshot, or nothing
 *     its log begins later than where that ends: it was cut by hand                      the local snapshot, if it reaches further
 *     the journal answers, and has another history                                       the local snapshot
 *     the journal does not answer in time                                                the local snapshot, if there is one
 *
 * A node that begins with its local snapshot serves at once what it served last; whether the journal's history may take its
 * place is decided as for a node that runs (`other-history.ts`).
 */
import { newestTrustedSnapshot, trustedSnapshot, type TrustedSnapshot } from '@muster/journal';
import { messageOf } from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { Clock, LocalSnapshot, Logger } from '../ports.ts';
import { inTime } from '../clock.ts';
import { passingOver } from './roster-builder.ts';
import type { LocalSnapshotKeeper, SnapshotKeeper } from './snapshot-keeper.ts';
import type { WorkerFeed } from '../workers/worker-feed.ts';

/** How long the journal may take to answer before a node serves from its local snapshot. */
const LOCAL_START_DELAY_MS = 2_000;

export interface StartingPointPorts {
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly feed: WorkerFeed;
  readonly snapshots: SnapshotKeeper;
  readonly localSnapshot: LocalSnapshot | null;
  readonly local: LocalSnapshotKeeper | null;
  readonly clock: Clock;
  readonly log: Logger;
}

interface JournalStart {
  readonly epoch: string;
  readonly firstRevision: number;
  readonly headRevision: number;
  readonly snapshot: TrustedSnapshot | null;
}

type JournalAttempt =
  { readonly outcome: 'read'; readonly start: JournalStart } | { readonly outcome: 'failed'; readonly error: unknown };

export class StartingPoint {
  readonly #ports: StartingPointPorts;
  #local: Promise<TrustedSnapshot | null> | null = null;

  constructor(ports: StartingPointPorts) {
    this.#ports = ports;
  }

  /** Takes it. Throws `JournalError` where there is none yet; it is then called again. */
  async take(): Promise<'journal' | 'local'> {
    const { contact, clock } = this.#ports;
    const attempt = this.#readJournal().then(
      (start): JournalAttempt => ({ outcome: 'read', start }),
      (error: unknown): JournalAttempt => ({ outcome: 'failed', error }),
    );
    this.#local ??= this.#readLocal();
    const local = await this.#local;
    if (local === null) {
      const known = await attempt;
      if (known.outcome === 'failed') throw known.error;
      return this.#choose(known.start, null);
    }
    const known = await inTime(attempt, { clock, timeoutMs: LOCAL_START_DELAY_MS });
    if (known !== 'late' && known.outcome === 'read') return this.#choose(known.start, local);
    const isLate = known === 'late';
    if (isLate) contact.unreadable(`no answer within ${LOCAL_START_DELAY_MS / 1_000} s`);
    else contact.unreadable(messageOf(known.error), known.error);
    return this.#takeLocal(local);
  }

  async #readJournal(): Promise<JournalStart> {
    const { contact, folded, log } = this.#ports;
    const { epoch, revision, firstRevision } = await contact.journal.head();
    const query = { epoch, cluster: folded.roster.cluster, atOrBefore: revision, onPassedOver: passingOver(log) };
    const snapshot = await newestTrustedSnapshot(contact.journal, query);
    return { epoch, firstRevision, headRevision: revision, snapshot };
  }

  async #readLocal(): Promise<TrustedSnapshot | null> {
    const { localSnapshot, folded, log } = this.#ports;
    try {
      const stored = (await localSnapshot?.load()) ?? null;
      if (stored === null) return null;
      const trusted = trustedSnapshot(stored, folded.roster.cluster);
      if (typeof trusted !== 'string') return trusted;
      log.warn({ revision: stored.revision, reason: trusted }, `the local snapshot is passed over: ${trusted}`);
    } catch (error) {
      log.warn({ err: error }, `the local snapshot cannot be read: ${messageOf(error)}`);
    }
    return null;
  }

  #choose(start: JournalStart, local: TrustedSnapshot | null): 'journal' | 'local' {
    const { contact, folded, snapshots } = this.#ports;
    const { epoch, headRevision, snapshot } = start;
    if (local !== null && (local.stored.epoch !== epoch || local.stored.revision > headRevision)) {
      this.#takeLocal(local);
      contact.replaced(epoch);
      return 'local';
    }
    if (local !== null && isCutBefore(start) && local.stored.revision > (snapshot?.stored.revision ?? 0)) {
      folded.heardOf(headRevision);
      return this.#takeLocal(local);
    }
    contact.adopted(epoch);
    contact.answered();
    folded.heardOf(headRevision);
    if (snapshot === null) return 'journal';
    snapshots.loaded(snapshot.stored.revision);
    this.#begin(snapshot);
    return 'journal';
  }

  #takeLocal(local: TrustedSnapshot): 'local' {
    const { contact, local: keeper, log } = this.#ports;
    const { revision, timeMs } = local.roster;
    const { epoch } = local.stored;
    contact.adopted(epoch);
    keeper?.loaded(local.roster);
    this.#begin(local);
    const time = new Date(timeMs).toISOString();
    const text = `serving from the local snapshot of revision ${revision}, ${time}, until the journal has been read`;
    log.warn({ epoch, revision, timeMs }, text);
    return 'local';
  }

  #begin({ roster, stored }: TrustedSnapshot): void {
    const { folded, feed } = this.#ports;
    folded.adopt(roster);
    feed.restart({ revision: stored.revision, text: stored.data }, { isOtherHistory: false });
  }
}

/** Whether there are no events any more that come right behind the journal's newest snapshot, or behind nothing. */
function isCutBefore({ firstRevision, snapshot }: JournalStart): boolean {
  return (snapshot?.stored.revision ?? 0) + 1 < firstRevision;
}
