/**
 * The observer: hands what this node sees and does not publish to whoever keeps it (`NodeOptions.observations`).
 *
 * Probers speak through `add` themselves. Here is what has to be gathered: the roster's hash at each revision where this node has
 * been, and those that other nodes say they had. With them a journal can be checked long afterwards: folded to the same revision,
 * it must come to the same hash.
 *
 * While a node reads what it missed, full batch after full batch, only the hash at the end of each is handed over: those in between
 * were there for the nodes that followed, and a start must not cost the store its past.
 */
import { FOLLOW_BATCH_EVENTS } from '@muster/journal';
import type { Announcement, RecordedEvent, Roster } from '@muster/membership';
import type { Observation, ObservationSink } from '@muster/observations';
import { NewestMap } from './newest-map.ts';
import type { HashHistory } from './folded-roster.ts';
import type { Clock, Outlier } from './ports.ts';

/** Other nodes whose newest words are remembered, so that they are not kept again; the oldest is forgotten first. */
const PEERS_MAX = 1_024;

export interface ObserverPorts {
  readonly observations?: ObservationSink | null;
  readonly node: string;
  readonly contact: { readonly epoch: string | null };
  readonly folded: { readonly roster: Roster; readonly hashes: Pick<HashHistory, 'at'> };
  readonly clock: Clock;
}

export class Observer {
  readonly #ports: ObserverPorts;
  readonly #sink: ObservationSink | null;
  readonly #newestByPeer = new NewestMap<string, Announcement>(PEERS_MAX);
  /** So that a hash is handed over once. */
  #newestHash: string | null = null;

  constructor(ports: ObserverPorts) {
    this.#ports = ports;
    this.#sink = ports.observations ?? null;
  }

  readonly add = (observation: Observation): void => this.#sink?.add(observation);

  outlier({ pool, backend, target, failures, reason }: Outlier): void {
    this.#sink?.add({ kind: 'outlier', timeMs: this.#timeMs(), pool, backend, target, failures, reason });
  }

  /** A batch was folded. */
  hashes(events: readonly RecordedEvent[]): void {
    if (this.#sink === null) return;
    if (events.length < FOLLOW_BATCH_EVENTS) for (const { revision } of events) this.#hashAt(revision);
    this.hash();
  }

  /** The roster is as it is: after a batch, a swap, or a start from a snapshot with nothing after it. */
  hash(): void {
    this.#hashAt(this.#ports.folded.roster.revision);
  }

  /** Another node has said what it has. Nothing new while its roster stays the same. */
  peerHash(announcement: Announcement): void {
    const { node, epoch, revision, hash } = announcement;
    const before = this.#newestByPeer.get(node);
    if (this.#sink === null || (before?.revision === revision && before.hash === hash && before.epoch === epoch))
      return;
    this.#newestByPeer.set(node, announcement);
    this.#sink.add({ kind: 'hash', timeMs: this.#timeMs(), node, epoch, revision, hash });
  }

  #hashAt(revision: number): void {
    const { node, contact, folded } = this.#ports;
    const { epoch } = contact;
    const hash = this.#sink === null || epoch === null ? null : folded.hashes.at(revision);
    if (hash === null || epoch === null) return;
    const key = `${epoch} ${revision} ${hash}`;
    if (key === this.#newestHash) return;
    this.#newestHash = key;
    this.#sink?.add({ kind: 'hash', timeMs: this.#timeMs(), node, epoch, revision, hash });
  }

  #timeMs(): number {
    return Math.round(this.#ports.clock.now());
  }
}
