/**
 * The members' leases: whose heartbeats keep them alive, and what is answered to those whom nobody knows.
 *
 * Members are many, and nearly every heartbeat is one that was expected. So that is the short way: one look-up by the
 * subject, one comparison of texts, one store. Everything else takes the long way and is parsed.
 *
 * A heartbeat that no backend of the roster explains may be ahead of the registration that explains it, which this node has
 * not folded yet. So it is answered when it is heard again, `STRANGER_GRACE_MS` after the first time, and only by a
 * node that can know: one that hears, and has folded what there is.
 */
import {
  formatSubject,
  heartbeatSubject,
  LEASE_EXPIRED,
  parseHeartbeat,
  parseHeartbeatSubject,
  parsePayload,
  type Backend,
  type FoldWitness,
  type Heartbeat,
  type HeartbeatAnswer,
  type RecordedEvent,
  type Roster,
  type LiveMessage,
} from '@muster/membership';
import type { RejectedEvent } from '../folded-roster.ts';
import { NewestMap } from '../newest-map.ts';
import type { Hearing } from './hearing.ts';
import { makeLease, noteHeard, type Lease } from './lease.ts';
import type { Leases } from './leases.ts';
import type { Clock } from '../ports.ts';

/** How long a member must have been unknown before it is told so. */
const STRANGER_GRACE_MS = 2_000;
/** Members unknown at once whose first heartbeat is remembered; the oldest is forgotten first, and waits anew. */
const STRANGERS_MAX = 10_000;

/** Members taken out that are remembered; of one that is not, a node answers `unknown`. */
const REMOVALS_MAX = 10_000;

interface Removal {
  /** The event that did it. */
  readonly revision: number;
  readonly origin: string | null;
  readonly reason: string | null;
}

interface Member {
  readonly lease: Lease;
  target: string;
  /** The heartbeat that keeps it alive, as text: as it is usually written, and then as it is really written. */
  text: string;
}

export interface MemberLeasesPorts {
  readonly cluster: string;
  readonly leases: Pick<Leases, 'hold' | 'letGo'>;
  readonly hearing: Pick<Hearing, 'sinceMs'>;
  readonly clock: Pick<Clock, 'elapsedMs'>;
  readonly roster: () => Roster;
  /** Why the event at a revision was passed over; null where it was taken, or is long past. */
  readonly rejectionAt: (revision: number) => RejectedEvent | null;
  /** Whether this node has folded everything that it has heard of. */
  readonly isUpToDate: () => boolean;
}

export class MemberLeases {
  readonly #ports: MemberLeasesPorts;
  readonly #backendPrefix: string;
  readonly #poolPrefix: string;
  /** By the subject of their heartbeats. */
  #membersBySubject = new Map<string, Member>();
  /** Who took out a member on purpose, or gave its name another target; by the member and its target. */
  readonly #removals = new NewestMap<string, Removal>(REMOVALS_MAX);
  /** When each was first heard, by the clock that never steps, in that order. */
  readonly #strangers = new NewestMap<string, number>(STRANGERS_MAX);

  constructor(ports: MemberLeasesPorts) {
    this.#ports = ports;
    this.#backendPrefix = formatSubject(ports.cluster, { kind: 'backend', pool: '', backend: '' }).slice(0, -1);
    this.#poolPrefix = formatSubject(ports.cluster, { kind: 'pool', pool: '' });
  }

  get count(): number {
    return this.#membersBySubject.size;
  }

  hear(message: LiveMessage): void {
    const member = this.#membersBySubject.get(message.subject);
    if (member !== undefined && member.text === message.text) noteHeard(member.lease, this.#ports.clock.elapsedMs());
    else this.#hearUnexpected(message, member);
  }

  /** Runs before every event, and so looks at the subject first. */
  readonly witness: FoldWitness = (found, event) => {
    const { subject } = event;
    if (subject.startsWith(this.#backendPrefix)) return this.#witnessBackend(found, event);
    return subject.startsWith(this.#poolPrefix) ? this.#witnessPool(found, event) : null;
  };

  /** The roster is not the old one with more events: takes the members as they are in it. Who was heard of them stays heard. */
  onReplaced(roster: Roster, { isOtherHistory }: { readonly isOtherHistory: boolean }): void {
    // The revisions are of a history that is no longer served.
    if (isOtherHistory) this.#removals.clear();
    const old = this.#membersBySubject;
    this.#membersBySubject = new Map();
    for (const { lease } of old.values()) this.#ports.leases.letGo(lease);
    for (const pool of roster.pools.values()) {
      for (const backend of pool.backends.values()) {
        const known = old.get(this.#subjectOf(backend));
        this.#hold(backend, known?.target === backend.target.value ? known.lease : undefined);
      }
    }
  }

  #witnessBackend(found: Roster, event: RecordedEvent): ReturnType<FoldWitness> {
    const [pool = '', backend = ''] = event.subject.slice(this.#backendPrefix.length).split('.');
    const before = found.pools.get(pool)?.backends.get(backend);
    return (left) => this.#backendChanged(before, left.pools.get(pool)?.backends.get(backend), event);
  }

  #witnessPool(found: Roster, event: RecordedEvent): ReturnType<FoldWitness> {
    const id = event.subject.slice(this.#poolPrefix.length);
    const pool = found.pools.get(id);
    if (pool === undefined) return null;
    return (left) => {
      if (left.pools.has(id)) return;
      for (const backend of pool.backends.values()) this.#backendChanged(backend, undefined, event);
    };
  }

  #backendChanged(before: Backend | undefined, after: Backend | undefined, event: RecordedEvent): void {
    if (before !== undefined && before.target.value !== after?.target.value) this.#departed(before, event);
    if (after === undefined) return;
    const standing = standingOf(this.#subjectOf(after), after.target.value);
    this.#removals.delete(standing);
    this.#strangers.delete(standing);
    // A change of its mode by somebody else is no sign of life.
    const isRegistered = before === undefined || isRegistration(event);
    const member = this.#membersBySubject.get(this.#subjectOf(after));
    if (isRegistered || member === undefined) return this.#hold(after);
    member.lease.revision = after.revision;
    member.lease.newestRevision = after.revision;
  }

  #departed(backend: Backend, { revision, origin, payload }: RecordedEvent): void {
    const subject = this.#subjectOf(backend);
    const standing = standingOf(subject, backend.target.value);
    this.#release(subject);
    const parsed = parsePayload(payload);
    const event = 'event' in parsed ? parsed.event : null;
    const reason = event !== null && 'reason' in event ? (event.reason ?? null) : null;
    if (event?.type === 'BackendDeregistered' && reason === LEASE_EXPIRED) this.#removals.delete(standing);
    else this.#removals.set(standing, { revision, origin, reason });
  }

  /** `known`: what was known of it before. Default: that it lives now, because it said so in the journal. */
  #hold(backend: Backend, known?: Pick<Lease, 'aliveMs' | 'heardMs'>): void {
    const { pool, id, leaseMs, revision } = backend;
    const subject = this.#subjectOf(backend);
    this.#release(subject);
    if (leaseMs === null) return;
    const { aliveMs, heardMs } = known ?? { aliveMs: this.#ports.clock.elapsedMs(), heardMs: -Infinity };
    const lease = makeLease({ kind: 'backend', pool, backend: id }, { leaseMs, aliveMs, heardMs, revision });
    const target = backend.target.value;
    this.#membersBySubject.set(subject, { lease, target, text: JSON.stringify({ target }) });
    this.#ports.leases.hold(lease);
  }

  #release(subject: string): void {
    const member = this.#membersBySubject.get(subject);
    if (member === undefined) return;
    this.#membersBySubject.delete(subject);
    this.#ports.leases.letGo(member.lease);
  }

  #hearUnexpected(message: LiveMessage, member: Member | undefined): void {
    const heartbeat = parseHeartbeat(message.text);
    if (heartbeat === null) return;
    const { revision } = heartbeat;
    if (revision !== undefined) this.#answerAbout(revision, { message, heartbeat });
    if (member?.target === heartbeat.target) {
      if (revision === undefined) member.text = message.text;
      return noteHeard(member.lease, this.#ports.clock.elapsedMs());
    }
    const name = parseHeartbeatSubject(message.subject);
    if (name === null) return;
    const present = this.#ports.roster().pools.get(name.pool)?.backends.get(name.backend);
    if (present?.target.value === heartbeat.target) return;
    const standing = standingOf(message.subject, heartbeat.target);
    if (this.#isKnownStranger(standing)) message.answer(JSON.stringify(this.#answerTo(standing, present)));
  }

  /** Once it has folded the registration that is asked about, every node knows what became of it, and all know the same. */
  #answerAbout(revision: number, { message, heartbeat }: { message: LiveMessage; heartbeat: Heartbeat }): void {
    const { roster, rejectionAt, cluster } = this.#ports;
    const name = parseHeartbeatSubject(message.subject);
    if (name === null || roster().revision < revision) return;
    const say = (answer: HeartbeatAnswer): void => message.answer(JSON.stringify(answer));
    const rejection = rejectionAt(revision);
    // Who may ask about one backend learns nothing about what others said.
    if (rejection?.subject === formatSubject(cluster, { kind: 'backend', ...name })) {
      return say({ standing: 'rejected', revision, reason: rejection.reason, message: rejection.message });
    }
    const present = roster().pools.get(name.pool)?.backends.get(name.backend);
    if (present?.target.value === heartbeat.target) say({ standing: 'accepted', revision });
  }

  #isKnownStranger(standing: string): boolean {
    const { hearing, clock, isUpToDate } = this.#ports;
    if (hearing.sinceMs === null || !isUpToDate()) return false;
    const nowMs = clock.elapsedMs();
    const firstMs = this.#strangers.get(standing);
    if (firstMs !== undefined && firstMs >= hearing.sinceMs) return nowMs - firstMs >= STRANGER_GRACE_MS;
    this.#strangers.set(standing, nowMs);
    return false;
  }

  /** `present` is who has its name now. */
  #answerTo(standing: string, present: Backend | undefined): HeartbeatAnswer {
    if (present !== undefined) {
      return { standing: 'removed', revision: present.target.revision, origin: present.origin, reason: null };
    }
    const removal = this.#removals.get(standing);
    return removal === undefined ? { standing: 'unknown' } : { standing: 'removed', ...removal };
  }

  #subjectOf({ pool, id }: Pick<Backend, 'pool' | 'id'>): string {
    return heartbeatSubject(this.#ports.cluster, { pool, backend: id });
  }
}

/** A member at one target. */
function standingOf(subject: string, target: string): string {
  return `${subject} ${target}`;
}

function isRegistration({ payload }: RecordedEvent): boolean {
  const parsed = parsePayload(payload);
  return 'event' in parsed && parsed.event.type === 'BackendRegistered';
}
