/**
 * The claim to this node's name: of the processes that are called after one node, only one speaks for it.
 *
 *     listening ──nobody heard, and its NodeStarted recorded──► held ──another process's NodeStarted is newer──► standing back
 *      ▲   │                                                     │                                                   │  ▲
 *      │   └──── the node is heard ──────────────────────────────┼──────────────────────────────────────────────────►┘  │
 *      ├───────────────── stood still for longer than others wait┘                                                      │
 *      └───────────────── the node was silent for three announcements ◄─────────────────────────────────────────────────┘
 *
 * A process that does not hold the name appends nothing: no facts, no config, no commands, no ends of leases. It serves what
 * the roster says, because reading harms nobody, and saves snapshots, which say nothing of its own.
 *
 * Two things decide, and they never disagree for long. What is heard on the live wire makes a newcomer give way before it has
 * said anything. What is recorded decides between those who did not hear each other: `NodeStarted` expects the newest event on
 * the node's subject, so of two that claim the name at the same moment one is refused, and of two that met when a partition
 * healed the one whose `NodeStarted` is newer has the name, since it was recorded after the other had fallen silent.
 *
 * How long a process listens depends on the record. Where that says that the node stopped by itself, or never was, a living holder
 * would have to be one that nobody knows of: one answer's time is enough. Where it says that it has started, it was killed or it
 * lives, and somebody who lives speaks every second.
 */
import { randomUUID } from 'node:crypto';
import {
  announcementSubject,
  LEASE_EXPIRED,
  parsePayload,
  formatSubject,
  type Announcement,
  type FoldWitness,
} from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';
import { SILENT_AFTER_MS } from './hearing.ts';
import type { JournalContact } from '../journal/journal-contact.ts';
import type { NameStatus } from '../node-status.ts';
import type { OwnRecord } from '../journal/own-record.ts';
import type { Clock, Logger } from '../ports.ts';
import { inTime } from '../clock.ts';

/** How long nobody else may have been heard before the name is claimed, in ms. The middle one is two announcements. */
const QUIET_MS = { free: 200, started: 2_200, afterStandingBack: SILENT_AFTER_MS } as const;
/** How long to wait until this node has folded what overtook its claim; it is judged by what is folded then. */
const FOLD_WAIT_MS = 2_000;
/** Before a person is told that a process waits because it hears nobody: reconnecting and elections take some seconds. */
const DEAF_AFTER_MS = 10_000;

export interface NameClaimPorts {
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly ownRecord: OwnRecord;
  readonly clock: Clock;
  readonly log: Logger;
  /** False for a journal that one process holds alone: there is nobody to listen for. */
  readonly isShared: boolean;
  /** The name is this process's. Told again after each time that it was not. */
  readonly onHeld: () => void;
}

export class NameClaim {
  /** Tells this process from another one that goes by the same name. */
  readonly instance = randomUUID();
  readonly #ports: NameClaimPorts;
  readonly #subject: string;
  #state: NameStatus['state'] = 'listening';
  #sinceMs: number;
  #hasStoodBack = false;
  #isLeaving = false;
  /** Revision of the newest `NodeStarted` of this process in the present history; 0 for none. */
  #startedRevision = 0;
  /** The newest event on the node's subject that the journal is known to have: one that the fold rejected may be newer. */
  #newestRevision = 0;
  /** Each claim has a number, so that the answer to one that was given up changes nothing. */
  #claimsCount = 0;
  #isClaiming = false;
  /** When another process of this name was heard last, and one that holds the name, by the clock that never steps. */
  #namesakeHeardMs = -Infinity;
  #holderHeardMs = -Infinity;
  #checkedMs: number;
  #listeningSinceMs = -Infinity;
  /** True once it has been said in this state that it hears nobody. */
  #isDeafnessTold = false;
  /** True while it has been logged that another process goes by this name, so that each gives one line. */
  #wasTaken = false;
  /** Whoever waits until it is known whether the name is this process's. */
  readonly #waiters = new Set<() => void>();

  constructor(ports: NameClaimPorts) {
    const { clock, folded, isShared } = ports;
    this.#ports = ports;
    this.#subject = formatSubject(folded.roster.cluster, { kind: 'node', node: folded.node });
    this.#sinceMs = clock.now();
    this.#checkedMs = clock.elapsedMs();
    if (isShared) this.#listen();
  }

  get isHeld(): boolean {
    return this.#state === 'held';
  }

  get status(): NameStatus {
    const { nameRefusal } = this.#ports.contact;
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      reason: this.isHeld ? null : nameRefusal,
      hasStoodBack: this.#hasStoodBack,
    };
  }

  /** Whether another process of this name was heard a moment ago, whatever it is. */
  get isTaken(): boolean {
    return this.#ports.clock.elapsedMs() - this.#namesakeHeardMs <= SILENT_AFTER_MS;
  }

  /**
   * Resolves once the name is this process's, or it is known why it is not, or after `timeoutMs`: what came just after the start
   * need not be refused for a wait that is nearly over.
   */
  async whenDecided(timeoutMs: number): Promise<void> {
    if (this.#state !== 'listening' || this.#isDeafnessTold) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    await inTime(promise, { clock: this.#ports.clock, timeoutMs });
    this.#waiters.delete(resolve);
  }

  /** What this process announces of its name. */
  get announced(): Required<Pick<Announcement, 'name' | 'startedRevision'>> {
    const name = !this.isHeld ? 'awaited' : this.#isLeaving ? 'leaving' : 'held';
    return { name, startedRevision: this.#startedRevision };
  }

  /** The journal has been read to its end: at first, after an outage, and in another history. */
  caughtUp(): void {
    if (!this.#ports.isShared && !this.isHeld) void this.#claim();
    else if (this.isHeld && this.#startedRevision === 0) this.renew();
  }

  /** To be called at every sweep, after the hearing was checked. `sinceMs`: since when this node hears; null while it is deaf. */
  check(sinceMs: number | null): void {
    const nowMs = this.#ports.clock.elapsedMs();
    const lateMs = nowMs - this.#checkedMs;
    this.#checkedMs = nowMs;
    this.#noteNamesake();
    if (this.isHeld && lateMs > QUIET_MS.started) this.#listen();
    // Whether or not it can take the name yet: a person may have to decide what the journal is, and this node may be the last one.
    const isSilent = nowMs - this.#holderHeardMs >= QUIET_MS.afterStandingBack;
    if (this.#state === 'standing-back' && isSilent) this.#listen();
    if (this.#state === 'listening' && sinceMs === null) this.#noteDeafness(nowMs);
    const isOpen = !this.isHeld && !this.#isClaiming && !this.#isLeaving;
    if (!isOpen || sinceMs === null || this.#ports.contact.journalRefusal() !== null) return;
    if (nowMs - Math.max(sinceMs, this.#holderHeardMs) < this.#quietMs()) return;
    if (this.#isRecorded()) this.#hold();
    else void this.#claim();
  }

  /** Another process announces itself by this name. True where it should be answered at once, because it waits for a word. */
  hear({ name = 'held', startedRevision = 0, epoch, instance }: Announcement): boolean {
    const { clock, contact } = this.#ports;
    this.#namesakeHeardMs = clock.elapsedMs();
    this.#noteNamesake();
    if (name === 'awaited') return this.isHeld;
    this.#holderHeardMs = this.#namesakeHeardMs;
    if (name === 'leaving' || this.#state === 'standing-back' || this.#isLeaving) return false;
    const isNewer = epoch === contact.epoch && startedRevision > this.#startedRevision;
    if (!this.isHeld || isNewer) this.#standBack(`it announces itself, as instance ${instance.slice(0, 8)}`);
    return false;
  }

  /** To be asked before each event. */
  readonly witness: FoldWitness = (_found, { subject, id, revision, payload }) => {
    if (subject !== this.#subject) return null;
    const parsed = parsePayload(payload);
    if (!('event' in parsed) || parsed.event.type !== 'NodeStarted') return null;
    return () => {
      if (this.#ports.ownRecord.hasSaid(id)) this.#recorded(revision);
      else this.#overtakenBy(revision);
    };
  };

  /** Another roster is served. What stands in it was folded elsewhere, without a witness. */
  onReplaced({ isOtherHistory }: { readonly isOtherHistory: boolean }): void {
    if (isOtherHistory) {
      this.#startedRevision = 0;
      this.#newestRevision = 0;
      return this.#giveUpClaim();
    }
    const record = this.#record();
    if (record?.value === 'started' && !this.#isClaiming) this.#overtakenBy(record.revision);
  }

  /** Records once more that it has started: others have declared it stopped, or the history is another one. */
  renew(): void {
    if (this.isHeld && !this.#isClaiming && !this.#isLeaving) void this.#claim();
  }

  /** This node stops; `sayStopped` is its last word. */
  leave(): void {
    this.#isLeaving = true;
    this.#wakeWaiters();
    if (!this.isHeld) this.#giveUpClaim();
  }

  /** Says that it has stopped, where this process has the right to. */
  async sayStopped(reason: string | null): Promise<void> {
    if (this.isHeld) await this.#ports.ownRecord.sayStopped(reason, this.#expectedRevision());
  }

  async #claim(): Promise<void> {
    const { ownRecord, folded } = this.#ports;
    const number = ++this.#claimsCount;
    this.#isClaiming = true;
    const known = this.#record()?.revision ?? 0;
    const said = await ownRecord.sayStarted(this.#expectedRevision());
    if (said.outcome === 'overtaken') await folded.whenFolded(said.revision, FOLD_WAIT_MS);
    if (number !== this.#claimsCount) return;
    this.#isClaiming = false;
    switch (said.outcome) {
      case 'recorded':
        return this.#recorded(said.revision);
      case 'overtaken':
        this.#newestRevision = Math.max(this.#newestRevision, said.revision);
        return this.#judgeOvertaken(known);
      case 'refused':
        // Nobody else has it, and the log says what is wrong: what this node sees may be permitted all the same.
        return this.#hold();
      case 'left-off':
        return;
    }
  }

  /** What is newer than `known` is another process's claim, or says something else: then it is tried again. */
  #judgeOvertaken(known: number): void {
    const record = this.#record();
    if (record === undefined || record.revision <= known || record.value !== 'started') {
      if (this.isHeld || !this.#ports.isShared) void this.#claim();
    } else if (record.revision !== this.#startedRevision) this.#overtakenBy(record.revision);
  }

  #recorded(revision: number): void {
    this.#startedRevision = Math.max(this.#startedRevision, revision);
    const record = this.#record();
    const isOvertaken = record?.value === 'started' && record.revision > this.#startedRevision;
    if (!this.isHeld && !isOvertaken) this.#hold();
  }

  #overtakenBy(revision: number): void {
    if (revision <= this.#startedRevision || !this.#ports.isShared) return;
    if (this.isHeld || this.#isClaiming) this.#standBack(`its NodeStarted is event ${revision}`);
  }

  #hold(): void {
    const { contact, folded, log, onHeld } = this.#ports;
    this.#become('held');
    if (this.#hasStoodBack) log.warn({}, `nobody else is node ${folded.node} any more: this process is, from now on`);
    contact.holdsName();
    onHeld();
  }

  #standBack(how: string): void {
    const { folded, log } = this.#ports;
    this.#holderHeardMs = this.#ports.clock.elapsedMs();
    this.#hasStoodBack = true;
    this.#giveUpClaim();
    const text =
      `another process is node ${folded.node} (${how}), and this one stands back: it serves what the roster says and appends nothing; ` +
      `give it an id of its own, with id = "…" under [node], or stop the other one`;
    this.#become('standing-back');
    this.#ports.contact.nameRefusal = text;
    log.error({ node: folded.node }, text);
  }

  #become(state: NameStatus['state']): void {
    this.#state = state;
    this.#sinceMs = this.#ports.clock.now();
    if (state !== 'listening') this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    for (const wake of this.#waiters) wake();
  }

  #giveUpClaim(): void {
    this.#claimsCount += 1;
    this.#isClaiming = false;
    this.#ports.ownRecord.leaveOff();
  }

  /** A process that hears nobody, itself included, waits for as long as that lasts. A person is told what it waits for. */
  #noteDeafness(nowMs: number): void {
    const { contact, folded, log } = this.#ports;
    const isDeaf = contact.journalRefusal() === null && nowMs - this.#listeningSinceMs > DEAF_AFTER_MS;
    if (!isDeaf || this.#isDeafnessTold) return;
    this.#isDeafnessTold = true;
    const subject = announcementSubject(folded.roster.cluster, folded.node);
    contact.nameRefusal =
      `this process cannot hear whether another one is node ${folded.node}, and appends nothing until it can: it must be heard on ` +
      `${subject}, and may have to be permitted to say that and to hear it`;
    log.error({ subject }, contact.nameRefusal);
    this.#wakeWaiters();
  }

  #noteNamesake(): void {
    const { folded, log } = this.#ports;
    const { isTaken } = this;
    if (isTaken === this.#wasTaken) return;
    this.#wasTaken = isTaken;
    if (!isTaken) log.info({}, `no other process announces itself as node ${folded.node} any more`);
    else if (this.isHeld && !this.#isLeaving)
      log.error({}, `another process announces itself as node ${folded.node}: give each node a name of its own`);
  }

  #quietMs(): number {
    if (this.#hasStoodBack) return QUIET_MS.afterStandingBack;
    const record = this.#record();
    const hasStopped = record?.value === 'stopped' && record.reason !== LEASE_EXPIRED;
    return record === undefined || hasStopped ? QUIET_MS.free : QUIET_MS.started;
  }

  /** Whether the record says that this process has started, and nothing newer. */
  #isRecorded(): boolean {
    const record = this.#record();
    return record?.value === 'started' && record.revision === this.#startedRevision;
  }

  #expectedRevision(): number {
    return Math.max(this.#record()?.revision ?? 0, this.#newestRevision, this.#startedRevision);
  }

  #record() {
    const { roster, node } = this.#ports.folded;
    return roster.nodes.get(node)?.state;
  }

  #listen(): void {
    const { folded, contact, clock } = this.#ports;
    this.#become('listening');
    this.#listeningSinceMs = clock.elapsedMs();
    this.#isDeafnessTold = false;
    contact.nameRefusal = `this process listens whether another one is node ${folded.node} before it appends anything; try again in a moment`;
  }
}
