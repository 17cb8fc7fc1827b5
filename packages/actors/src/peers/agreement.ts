/**
 * The other nodes, as they announce themselves, and whether each has the same roster as this one.
 *
 * Two nodes are hardly ever at the same revision at the same moment, so an announcement is compared with the hash that this
 * node had at that revision. One of a revision that this node has not reached is kept until it gets there. What one comparison
 * says holds until the next: hashes cover the whole roster, so nodes that were equal once and fold the same events stay equal.
 *
 * It does not decide who of two is right (`rebuild-decision.ts`), nor who is dead (`node-leases.ts`).
 */
import { LEASE_EXPIRED, type Announcement, type Roster } from '@muster/membership';
import { NewestMap } from '../newest-map.ts';
import type { HashHistory } from '../folded-roster.ts';
import { SILENT_AFTER_MS } from './hearing.ts';
import type { JournalContact } from '../journal/journal-contact.ts';
import type { PeerStatus } from '../node-status.ts';
import type { Clock, Logger } from '../ports.ts';

/** Other nodes that are remembered; beyond it the one that was not heard for longest is forgotten. */
const PEERS_MAX = 1_024;
/** Announcements of revisions still to be reached, per node: the first, so that its turn comes, and the newest. */
const AHEAD_MAX = 3;

interface Peer {
  announcement: Announcement;
  /** ms since 1970, for people. */
  heardMs: number;
  /** By the clock that never steps. */
  heardElapsedMs: number;
  isSilent: boolean;
  agreement: PeerStatus['agreement'];
  comparedRevision: number;
  /** Said loudly, and not yet taken back. */
  isDisputed: boolean;
  readonly ahead: Announcement[];
}

/** The nodes that are heard now, by whether they agree with this one. */
export interface Standing {
  readonly equalCount: number;
  readonly differsCount: number;
}

export interface AgreementPorts {
  readonly contact: Pick<JournalContact, 'epoch'>;
  readonly folded: { readonly roster: Roster; readonly hashes: Pick<HashHistory, 'at'> };
  readonly clock: Clock;
  readonly log: Logger;
}

export class Agreement {
  readonly #ports: AgreementPorts;
  /** In the order in which they were heard last. */
  readonly #peersByNode = new NewestMap<string, Peer>(PEERS_MAX);
  #agreedRevision = 0;
  #lossesCount = 0;

  constructor(ports: AgreementPorts) {
    this.#ports = ports;
  }

  /** The newest revision at which all nodes that were heard had this node's hash; 0 for none. */
  get agreedRevision(): number {
    return this.#agreedRevision;
  }

  /** How often a node that was equal was found to differ. */
  get lossesCount(): number {
    return this.#lossesCount;
  }

  /** Whether a node that is heard has folded more than this one. */
  get isBehind(): boolean {
    for (const peer of this.#peersByNode.values()) if (peer.ahead.length > 0 && this.#isHeard(peer)) return true;
    return false;
  }

  /** Takes an announcement of another node. */
  hear(announcement: Announcement): void {
    const { clock, log } = this.#ports;
    const { node, version } = announcement;
    const known = this.#peersByNode.get(node);
    const isSameProcess = known?.announcement.instance === announcement.instance;
    if (known === undefined || known.isSilent) log.info({ peer: node, version }, `node ${node} is heard`);
    const heard = { announcement, heardMs: clock.now(), heardElapsedMs: clock.elapsedMs(), isSilent: false };
    const peer: Peer = isSameProcess ? Object.assign(known, heard) : { ...heard, ...notCompared(), isDisputed: false };
    this.#peersByNode.set(node, peer);
    this.#judge(peer, announcement);
  }

  /** The roster has moved on: compares what was waiting for it. */
  onFolded(): void {
    const { revision } = this.#ports.folded.roster;
    for (const peer of this.#peersByNode.values()) {
      while (peer.ahead.length > 0 && peer.ahead[0]!.revision <= revision) this.#judge(peer, peer.ahead.shift()!);
    }
  }

  /** Another roster is served: what was found about the one before no longer holds. */
  onReplaced({ isOtherHistory }: { readonly isOtherHistory: boolean }): void {
    if (isOtherHistory) this.#agreedRevision = 0;
    for (const peer of this.#peersByNode.values()) {
      Object.assign(peer, notCompared());
      this.#judge(peer, peer.announcement);
    }
  }

  /**
   * Notices who has fallen silent, and how far all agree. To be called a few times a second. `hearingSinceMs`: as `Hearing`
   * says; a deaf node says of nobody that they are silent.
   */
  check(hearingSinceMs: number | null): void {
    const { clock, log } = this.#ports;
    const canJudge = hearingSinceMs !== null && clock.elapsedMs() - hearingSinceMs > SILENT_AFTER_MS;
    let allAt = Infinity;
    for (const [node, peer] of this.#peersByNode) {
      if (this.#isHeard(peer)) {
        if (peer.agreement !== 'other-epoch')
          allAt = Math.min(allAt, peer.agreement === 'equal' ? peer.comparedRevision : 0);
      } else if (canJudge && !peer.isSilent) {
        peer.isSilent = true;
        if (!this.#hasLeft(node)) log.warn({ peer: node }, `node ${node} is silent`);
      }
    }
    if (allAt < Infinity) this.#agreedRevision = Math.max(this.#agreedRevision, allAt);
  }

  standing(): Standing {
    let equalCount = 0;
    let differsCount = 0;
    for (const peer of this.#peersByNode.values()) {
      if (!this.#isHeard(peer)) continue;
      if (peer.agreement === 'equal') equalCount += 1;
      if (peer.agreement === 'differs') differsCount += 1;
    }
    return { equalCount, differsCount };
  }

  /** By name, without those that stopped on purpose. */
  peers(): PeerStatus[] {
    const peers: PeerStatus[] = [];
    for (const [node, peer] of this.#peersByNode) {
      const isHeard = this.#isHeard(peer);
      if (this.#hasLeft(node)) continue;
      const { version, epoch, revision, hash, lag } = peer.announcement;
      const { heardMs, agreement, comparedRevision } = peer;
      peers.push({ node, version, epoch, revision, hash, lag, heardMs, isHeard, agreement, comparedRevision });
    }
    return peers.sort((left, right) => (left.node < right.node ? -1 : 1));
  }

  #judge(peer: Peer, announcement: Announcement): void {
    const { contact, folded, log } = this.#ports;
    const { node, epoch, revision, hash } = announcement;
    if (epoch !== contact.epoch) {
      if (peer.agreement !== 'other-epoch')
        log.warn({ peer: node, epoch }, `node ${node} follows another history, ${epoch}`);
      Object.assign(peer, notCompared(), { agreement: 'other-epoch' });
      return;
    }
    if (peer.agreement === 'other-epoch') peer.agreement = 'unknown';
    if (revision > folded.roster.revision) return keepAhead(peer.ahead, announcement);
    const own = revision < peer.comparedRevision ? null : folded.hashes.at(revision);
    if (own === null) return;
    peer.comparedRevision = revision;
    if (own === hash) this.#agreed(peer);
    else this.#differed(peer, { own, hash });
  }

  #agreed(peer: Peer): void {
    const { node } = peer.announcement;
    peer.agreement = 'equal';
    if (!peer.isDisputed) return;
    peer.isDisputed = false;
    const { comparedRevision: revision } = peer;
    this.#ports.log.info({ peer: node, revision }, `this node and ${node} agree again, at revision ${revision}`);
  }

  #differed(peer: Peer, { own, hash }: { own: string; hash: string }): void {
    const { node } = peer.announcement;
    const { comparedRevision: revision } = peer;
    if (peer.agreement === 'equal') this.#lossesCount += 1;
    peer.agreement = 'differs';
    if (peer.isDisputed) return;
    peer.isDisputed = true;
    const words = `at revision ${revision} this node has hash ${own} and node ${node} has ${hash}`;
    this.#ports.log.error({ peer: node, revision, own, hash }, `the nodes disagree: ${words}`);
  }

  #isHeard({ heardElapsedMs }: Peer): boolean {
    return this.#ports.clock.elapsedMs() - heardElapsedMs <= SILENT_AFTER_MS;
  }

  #hasLeft(node: string): boolean {
    const state = this.#ports.folded.roster.nodes.get(node)?.state;
    return state?.value === 'stopped' && state.reason !== LEASE_EXPIRED;
  }
}

function notCompared(): Pick<Peer, 'agreement' | 'comparedRevision' | 'ahead'> {
  return { agreement: 'unknown', comparedRevision: 0, ahead: [] };
}

function keepAhead(ahead: Announcement[], announcement: Announcement): void {
  if (ahead.at(-1)?.revision === announcement.revision) ahead.pop();
  ahead.push(announcement);
  if (ahead.length > AHEAD_MAX) ahead.splice(1, 1);
}
