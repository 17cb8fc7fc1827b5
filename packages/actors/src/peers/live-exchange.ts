/**
 * What a node has to do with the live wire, put together: it announces itself, hears the other nodes and the members, and
 * four times a second looks at who has fallen silent and who disagrees.
 *
 *     wire ─┬─ announcements ─► own voice ─► hearing ◄─ wire connected, journal there
 *           │                └► other nodes ─► agreement ─► rebuild decision ─► the roster built anew
 *           │                                ├► neighbours ─► what they have bound is not dialled
 *           │                                ├► doubts ─► whether others have heard whose lease is over ──┐
 *           │                                └► node leases ──┐                                           ▼
 *           └─ heartbeats ────► member leases ────────────────┴────────────────────────────────────► leases ─► NodeStopped,
 *                                                                                                       BackendDeregistered
 *
 * Nothing that is heard here changes the roster: it is compared with it, or ends in an event that every node folds.
 */
import {
  announcementRoom,
  announcementSubject,
  fittedBound,
  heartbeatSubject,
  parseAnnouncement,
  rosterHash,
  type Announcement,
  type BoundAddresses,
  type FoldWitness,
  type NodeRecord,
  type Roster,
  type LiveMessage,
  type LiveWire,
} from '@muster/membership';
import { Agreement } from './agreement.ts';
import { BulkEnds } from './bulk-ends.ts';
import { Crowd } from './crowd.ts';
import { Doubts } from './doubts.ts';
import type { FoldedRoster } from '../folded-roster.ts';
import { Hearing, SWEEP_INTERVAL_MS } from './hearing.ts';
import type { JournalContact } from '../journal/journal-contact.ts';
import type { JournalPulse } from '../journal/journal-pulse.ts';
import { describeHolder, enderOf } from './lease.ts';
import { Leases } from './leases.ts';
import { MemberLeases } from './member-leases.ts';
import type { NameClaim } from './name-claim.ts';
import type { NodeStatus } from '../node-status.ts';
import { Neighbours, type NeighboursPorts } from './neighbours.ts';
import { NodeLeases } from './node-leases.ts';
import type { Observer } from '../observer.ts';
import { PartialCut } from './partial-cut.ts';
import type { Clock, Logger } from '../ports.ts';
import { RebuildDecision, type RebuildDecisionPorts } from './rebuild-decision.ts';

const ANNOUNCE_INTERVAL_MS = 1_000;
/** Each wait is this much longer or shorter by chance, so that nodes that started together do not speak together for ever. */
const ANNOUNCE_JITTER_RATIO = 0.1;

export interface LiveExchangePorts extends Pick<NeighboursPorts, 'onNeighbours'> {
  readonly live: LiveWire;
  readonly node: string;
  readonly cluster: string;
  readonly version: string;
  readonly contact: Pick<JournalContact, 'journal' | 'epoch' | 'journalRefusal'>;
  readonly pulse: Pick<JournalPulse, 'confirmedElapsedMs' | 'silence'>;
  readonly folded: Pick<FoldedRoster, 'roster' | 'headRevision' | 'hashes' | 'rejectionAt'>;
  readonly name: NameClaim;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly observer: Observer;
  readonly rebuild: RebuildDecisionPorts['rebuild'];
  /** What this node has bound now. Default: it does not say. */
  readonly bound?: () => BoundAddresses;
  /** Revision of the newest snapshot that this node saved or loaded. */
  readonly snapshotRevision: () => number;
  /** Another node of this history has a snapshot. */
  readonly onSnapshotHeard: (revision: number) => void;
  /** Says in the journal that this node lives: it was declared stopped, or others may not hear it. */
  readonly sayAlive: () => void;
}

export class LiveExchange {
  readonly #ports: LiveExchangePorts;
  readonly #hearing: Hearing;
  readonly #agreement: Agreement;
  readonly #decision: RebuildDecision;
  readonly #crowd: Crowd;
  readonly #bulkEnds: BulkEnds;
  readonly #doubts: Doubts;
  readonly #leases: Leases;
  readonly #members: MemberLeases;
  readonly #nodes: NodeLeases;
  readonly #partialCut: PartialCut;
  readonly #neighbours: Neighbours;
  readonly #endings: (() => void)[] = [];
  #sweepTimer: unknown = null;
  #announceTimer: unknown = null;
  #expiredCount = 0;
  /** The newest event on this node's own record of which it has thought. */
  #answeredStopRevision = 0;

  constructor(ports: LiveExchangePorts) {
    const { contact, folded, cluster } = ports;
    this.#ports = ports;
    this.#hearing = new Hearing(ports);
    this.#agreement = new Agreement(ports);
    this.#neighbours = new Neighbours(ports);
    this.#decision = new RebuildDecision({ ...ports, agreement: this.#agreement });
    this.#bulkEnds = new BulkEnds(ports.clock);
    this.#crowd = this.#makeCrowd();
    const hearing = this.#hearing;
    this.#doubts = new Doubts({
      hearing,
      clock: ports.clock,
      onMissed: (holder, hearer) => this.#partialCut.missed(holder, `node ${hearer}`),
    });
    this.#leases = new Leases({
      ...ports,
      crowd: this.#crowd,
      doubts: this.#doubts,
      confirmedMs: () => ports.pulse.confirmedElapsedMs,
      journal: contact.journal,
      hearing,
      revision: () => folded.roster.revision,
    });
    const shared = { ...ports, leases: this.#leases };
    const onStartedAnew = (node: string, heardMs: number): void => this.#partialCut.livesAnew(node, heardMs);
    this.#nodes = new NodeLeases({ ...shared, onStartedAnew });
    this.#partialCut = new PartialCut({
      ...ports,
      hearing,
      nodeLeases: this.#nodes.byNode,
      ownRecord: () => folded.roster.nodes.get(ports.node),
    });
    this.#members = new MemberLeases({
      ...shared,
      cluster,
      hearing,
      roster: () => folded.roster,
      rejectionAt: (revision) => folded.rejectionAt(revision),
      isUpToDate: () =>
        ports.pulse.silence === null && folded.headRevision <= folded.roster.revision && !this.#agreement.isBehind,
    });
  }

  /** Whether this node's roster may be wrong: it should save no snapshot for others to start from. */
  get isInDoubt(): boolean {
    return this.#decision.isInDoubt;
  }

  /** The node serves: it speaks and listens from now on. */
  begin(): void {
    const { live, cluster, folded } = this.#ports;
    this.#members.onReplaced(folded.roster, { isOtherHistory: false });
    this.#nodes.sync(folded.roster.nodes);
    this.#answeredStopRevision = this.#ownState()?.revision ?? 0;
    this.#endings.push(
      live.watch((isConnected) => this.#hearing.wireChanged(isConnected)),
      live.listen(announcementSubject(cluster, '*'), (message) => this.#hearAnnouncement(message)),
      live.listen(heartbeatSubject(cluster, { pool: '*', backend: '*' }), (message) => this.#members.hear(message)),
    );
    this.#sweep();
    this.#announce();
  }

  /** The node has stopped. Idempotent. */
  end(): void {
    for (const end of this.#endings.splice(0)) end();
    this.#ports.clock.clearTimeout(this.#sweepTimer);
    this.#ports.clock.clearTimeout(this.#announceTimer);
    this.#leases.close();
  }

  /** To be asked before each event, from `begin` on. */
  readonly witness: FoldWitness = (found, event) => {
    const onAccepted = this.#members.witness(found, event) ?? this.#ports.name.witness(found, event);
    const ender = enderOf(event);
    if (ender === null) return onAccepted;
    return (left) => {
      if (ender === this.#ports.node) this.#expiredCount += 1;
      this.#bulkEnds.note();
      onAccepted?.(left);
    };
  };

  /** A batch was folded. */
  onBatch(before: Roster, after: Roster): void {
    this.#agreement.onFolded();
    if (before.nodes === after.nodes) return;
    this.#nodes.sync(after.nodes);
    this.#neighbours.sync(after.nodes);
  }

  /** Another roster was put in the place of the served one. `isSame`: with the same hash, of the same history. */
  onReplaced({ isSame, isOtherHistory }: { readonly isSame: boolean; readonly isOtherHistory: boolean }): void {
    const { roster } = this.#ports.folded;
    if (isOtherHistory) this.#answeredStopRevision = 0;
    this.#members.onReplaced(roster, { isOtherHistory });
    this.#nodes.sync(roster.nodes);
    this.#decision.rebuilt({ isSame });
    this.#agreement.onReplaced({ isOtherHistory });
  }

  status(): Pick<NodeStatus, 'peers' | 'isNameTaken' | 'leases' | 'massSilence' | 'bulkEnd'> {
    return {
      peers: this.#agreement.peers(),
      isNameTaken: this.#ports.name.isTaken,
      leases: { count: this.#members.count, expiredCount: this.#expiredCount },
      massSilence: this.#crowd.silence,
      bulkEnd: this.#bulkEnds.newest,
    };
  }

  #makeCrowd(): Crowd {
    const { clock, log, live } = this.#ports;
    return new Crowd({
      clock,
      onSuspicion: (silence) => {
        const { silentCount, watchedCount } = silence;
        const what = `${silentCount} of ${watchedCount} members and nodes fell silent together`;
        log.warn(
          { ...silence },
          `${what}: it may be this node that is alone; their leases end if they are silent for another one`,
        );
        this.#hearing.startOver(what);
        live.leave(what);
      },
      onOver: () => log.info({}, 'no crowd is silent any more'),
    });
  }

  #announcement(): Announcement | null {
    const { node, version, contact, folded, snapshotRevision, name, bound } = this.#ports;
    const { epoch } = contact;
    if (epoch === null) return null;
    const { revision } = folded.roster;
    const announcement = {
      node,
      instance: name.instance,
      version,
      epoch,
      revision,
      hash: rosterHash(folded.roster),
      lag: Math.max(0, folded.headRevision - revision),
      snapshotRevision: snapshotRevision(),
      ...name.announced,
      ...(bound && { bound: fittedBound(bound()) }),
    };
    return { ...announcement, ...this.#doubts.words(announcementRoom(announcement)) };
  }

  /** Speaks now, and then about every second. What is lost is not repeated: the next announcement says everything again. */
  #announce(): void {
    const { clock, random } = this.#ports;
    this.#speak();
    const delayMs = ANNOUNCE_INTERVAL_MS * (1 + ANNOUNCE_JITTER_RATIO * (2 * random() - 1));
    this.#announceTimer = clock.setTimeout(() => this.#announce(), delayMs);
  }

  #speak(): void {
    const { live, cluster, node } = this.#ports;
    const words = this.#announcement();
    if (words !== null) live.say(announcementSubject(cluster, node), JSON.stringify(words));
  }

  #hearAnnouncement({ subject, text }: LiveMessage): void {
    const { node, cluster, contact, name, observer, onSnapshotHeard } = this.#ports;
    const announcement = parseAnnouncement(cluster, subject, text);
    if (announcement === null) return;
    if (announcement.instance === name.instance) return this.#hearing.heardSelf();
    if (announcement.node === node) {
      if (name.hear(announcement)) this.#speak();
      return;
    }
    // It speaks for nobody yet.
    if (announcement.name === 'awaited') return;
    this.#nodes.hear(announcement.node);
    this.#agreement.hear(announcement);
    this.#neighbours.hear(announcement);
    this.#hearDoubts(announcement);
    observer.peerHash(announcement);
    if (announcement.epoch === contact.epoch) onSnapshotHeard(announcement.snapshotRevision);
  }

  #hearDoubts(announcement: Announcement): void {
    const { node, contact } = this.#ports;
    const isSameHistory = announcement.epoch === contact.epoch;
    this.#doubts.hear(announcement, { isSameHistory });
    if (isSameHistory && announcement.doubts?.includes(describeHolder({ kind: 'node', node })) === true)
      this.#partialCut.doubted();
  }

  #sweep(): void {
    this.#sweepTimer = this.#ports.clock.setTimeout(() => this.#sweep(), SWEEP_INTERVAL_MS);
    const { contact, pulse, name } = this.#ports;
    this.#hearing.check(contact.journalRefusal() === null ? pulse.silence : 'the journal is away');
    name.check(this.#hearing.sinceMs);
    if (name.isHeld) this.#leases.sweep();
    this.#agreement.check(this.#hearing.sinceMs);
    this.#decision.check();
    this.#neighbours.sweep();
    this.#partialCut.check();
    this.#noteOwnStop();
  }

  #ownState(): NodeRecord['state'] | undefined {
    return this.#ports.folded.roster.nodes.get(this.#ports.node)?.state;
  }

  /** A node that is not heard would be declared stopped again, and again. */
  #noteOwnStop(): void {
    const state = this.#ownState();
    if (state?.value !== 'stopped' || state.revision <= this.#answeredStopRevision) return;
    if (this.#hearing.sinceMs === null) return;
    this.#answeredStopRevision = state.revision;
    this.#ports.sayAlive();
  }
}
