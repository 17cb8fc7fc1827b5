/**
 * The link to one living worker process: what it has been told, what it has acknowledged, and what to tell it next.
 *
 * Everything but drain is level-triggered. `pump` compares what the worker was told with what is true, and sends the
 * difference, as far as the limits allow; whatever they hold back is made up for by the next pump. So nothing queues here:
 *
 *   - at most `UNACKNOWLEDGED_EVENTS_MAX` events, which weigh at most `UNACKNOWLEDGED_CHARACTERS_MAX` and a message together, are
 *     sent and not yet folded; then the link waits;
 *   - at most `SENDS_IN_FLIGHT_MAX` messages wait for the operating system; then the link waits;
 *   - a worker that the tail no longer covers gets a fresh roster, once it has folded all that was sent before.
 *
 * Order matters in two places. A settled fact follows the event that records it, or the worker would for a moment see
 * neither. A socket follows the roster and the tail, because a worker serves nothing from a half-read journal.
 */
import { isDeepStrictEqual } from 'node:util';
import { poolsOf, type PendingFact, messageOf } from '@muster/membership';
import { charactersOf } from './event-tail.ts';
import type { WorkerFeed } from './worker-feed.ts';
import type { ListenerDefinition, SharedSocket, WorkerMessage, WorkerProcess, WorkerReport } from '../ports.ts';

/** Events sent to a worker that it has not folded yet. */
const UNACKNOWLEDGED_EVENTS_MAX = 10_000;
/** What these events may weigh together: payloads come from outside, and what is sent stands in memory until the worker has read it. */
const UNACKNOWLEDGED_CHARACTERS_MAX = 8_388_608;
/** Messages on their way to a worker. */
const SENDS_IN_FLIGHT_MAX = 64;
const MESSAGE_EVENTS_MAX = 1_000;
/** Characters of the events of one message; one event that has more goes alone. */
const MESSAGE_CHARACTERS_MAX = 1_048_576;
/** Changes of pending facts that are held back for one worker; one with more gets a fresh roster. */
const HELD_FACTS_MAX = 10_000;
/** A worker whose hash keeps differing is given a fresh roster this often, at most. */
const REPAIR_INTERVAL_MIN_MS = 10_000;

/** What a worker said of the definition of a listener at `revision`: null for listening, or why not. */
interface ListenAnswer {
  readonly revision: number;
  readonly failure: string | null;
}

export class WorkerLink {
  readonly index: number;
  readonly process: WorkerProcess;
  /** The newest that it has folded, and its hash of that. */
  revision = 0;
  hash: string | null = null;
  stats: unknown = null;
  readonly #feed: WorkerFeed;
  #hasStarted = false;
  #isClosed = false;
  #isDraining = false;
  #needsRoster = true;
  /** When its roster was last sent anew because its hash differed, by `elapsedMs`. */
  #repairedAtMs = -Infinity;
  #sentRevision = 0;
  #sendsInFlight = 0;
  /** Batches sent and not folded yet, oldest first. */
  readonly #unacknowledged: { readonly revision: number; readonly count: number; readonly characters: number }[] = [];
  #unacknowledgedCount = 0;
  #unacknowledgedCharacters = 0;
  #addedById = new Map<string, PendingFact>();
  #settled: PendingFact[] = [];
  readonly #toldByListener = new Map<
    string,
    { readonly definition: ListenerDefinition; readonly socket: SharedSocket }
  >();
  /** The sockets that the worker was told to close and has not answered for, by listener, the oldest first. */
  readonly #leavingByListener = new Map<string, SharedSocket[]>();
  readonly #listenAnswers = new Map<string, ListenAnswer>();
  /** Listeners whose sockets it closed while it was full, and wants again. */
  readonly #socketsWanted = new Set<string>();

  constructor(index: number, process: WorkerProcess, feed: WorkerFeed) {
    this.index = index;
    this.process = process;
    this.#feed = feed;
  }

  onReport(report: Exclude<WorkerReport, { readonly kind: 'outlier' }>): void {
    switch (report.kind) {
      case 'started':
        this.#hasStarted = true;
        break;
      case 'folded':
        this.#acknowledge(report.revision, report.hash);
        break;
      case 'listening':
        this.#listenAnswers.set(report.listener, { revision: report.revision, failure: null });
        break;
      case 'listen-failed':
        this.#listenFailed(report);
        break;
      case 'unlistened':
        this.#unlistened(report.listener);
        break;
      case 'socket-wanted':
        this.#socketsWanted.add(report.listener);
        break;
      case 'stats':
        this.stats = report.stats;
        return;
      case 'log':
        this.#feed.log[report.level]({ worker: this.index, ...report.fields }, report.text);
        return;
    }
    this.pump();
  }

  /** True when it has folded up to `revision` and serves or has failed every open listener. */
  isInSync(revision: number): boolean {
    if (!this.#hasStarted || this.revision < revision || this.#needsRoster) return false;
    return this.#feed.listeners.keys().every((id) => this.#listenAnswers.has(id));
  }

  /** The worker's newest answer about a listener; null where it has not answered yet. */
  listenAnswer(listener: string): ListenAnswer | null {
    return this.#listenAnswers.get(listener) ?? null;
  }

  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** Whether it may have a socket open. */
  holds(socket: SharedSocket): boolean {
    if (this.#isClosed) return false;
    if (this.#toldByListener.values().some((told) => told.socket === socket)) return true;
    return this.#leavingByListener.values().some((leaving) => leaving.includes(socket));
  }

  factsChanged(added: readonly PendingFact[], settled: readonly PendingFact[]): void {
    if (this.#needsRoster) return;
    for (const fact of added) this.#addedById.set(fact.id, fact);
    for (const fact of settled) if (!this.#addedById.delete(fact.id)) this.#settled.push(fact);
    if (this.#settled.length + this.#addedById.size > HELD_FACTS_MAX) this.#startOver();
  }

  /**
   * The roster was built anew. What was sent before is acknowledged before the new one goes out, so that an acknowledgement
   * by a revision of the old history is never taken for one of the new.
   */
  restart({ isOtherHistory }: { readonly isOtherHistory: boolean }): void {
    this.#startOver();
    if (isOtherHistory) this.#sentRevision = 0;
  }

  /** The worker stops accepting and ends by itself; until then it goes on to follow the roster. */
  drain(timeoutMs: number): void {
    this.#isDraining = true;
    this.#send({ kind: 'drain', timeoutMs });
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  pump(): void {
    if (!this.#hasStarted || this.#isClosed || !this.#feed.isOpen || this.#isBusy()) return;
    if (!this.#feed.tail.covers(this.#sentRevision)) this.#startOver();
    if (this.#needsRoster) {
      if (this.#unacknowledged.length > 0) return;
      this.#sendRoster();
    }
    this.#sendAdded();
    this.#sendEvents();
    if (this.#sentRevision < this.#feed.folded.roster.revision) return;
    this.#sendSettled();
    if (!this.#isDraining) this.#sendListeners();
  }

  #isBusy(): boolean {
    return (
      this.#sendsInFlight >= SENDS_IN_FLIGHT_MAX ||
      this.#unacknowledgedCount >= UNACKNOWLEDGED_EVENTS_MAX ||
      this.#unacknowledgedCharacters >= UNACKNOWLEDGED_CHARACTERS_MAX
    );
  }

  #startOver(): void {
    this.#needsRoster = true;
    this.#addedById = new Map();
    this.#settled = [];
  }

  #sendRoster(): void {
    const { text, revision } = this.#feed.snapshot(this.#sentRevision);
    this.#needsRoster = false;
    this.#sentRevision = revision;
    this.#unacknowledged.push({ revision, count: 0, characters: 0 });
    if (revision < this.revision) {
      this.revision = 0;
      this.hash = null;
    }
    const pending = [...this.#feed.folded.pending.values()].flatMap(({ health, ejection }) =>
      [health, ejection].filter((fact) => fact !== undefined),
    );
    this.#send({ kind: 'roster', snapshot: text, pending });
  }

  #sendEvents(): void {
    while (!this.#isBusy()) {
      const events = this.#feed.tail.after(this.#sentRevision, MESSAGE_EVENTS_MAX, MESSAGE_CHARACTERS_MAX);
      const last = events.at(-1);
      if (last === undefined) return;
      this.#sentRevision = last.revision;
      const characters = events.reduce((sum, event) => sum + charactersOf(event), 0);
      this.#unacknowledged.push({ revision: last.revision, count: events.length, characters });
      this.#unacknowledgedCount += events.length;
      this.#unacknowledgedCharacters += characters;
      this.#send({ kind: 'events', events });
    }
  }

  #sendAdded(): void {
    if (this.#addedById.size === 0) return;
    this.#send({ kind: 'pending', added: [...this.#addedById.values()], settled: [] });
    this.#addedById = new Map();
  }

  #sendSettled(): void {
    if (this.#settled.length === 0) return;
    this.#send({ kind: 'pending', added: [], settled: this.#settled });
    this.#settled = [];
  }

  #sendListeners(): void {
    const { listeners } = this.#feed;
    for (const [id, { definition, socket }] of this.#toldByListener) {
      if (listeners.get(id)?.socket === socket) continue;
      this.#toldByListener.delete(id);
      this.#listenAnswers.delete(id);
      this.#socketsWanted.delete(id);
      const leaving = this.#leavingByListener.get(id);
      if (leaving === undefined) this.#leavingByListener.set(id, [socket]);
      else leaving.push(socket);
      this.#send({ kind: 'unlisten', id, drainTimeoutMs: this.#feed.drainTimeoutMs(poolsOf(definition.spec)) });
    }
    for (const [id, { definition, socket }] of listeners) {
      const told = this.#toldByListener.get(id);
      const isSocketWanted = told === undefined || this.#socketsWanted.delete(id);
      if (told !== undefined && isSameDefinition(told.definition, definition) && !isSocketWanted) continue;
      this.#toldByListener.set(id, { definition, socket });
      this.#send({ kind: 'listen', listener: definition }, isSocketWanted ? socket : undefined);
    }
  }

  #listenFailed({ listener, revision, reason, isSocketLost }: Extract<WorkerReport, { kind: 'listen-failed' }>): void {
    this.#listenAnswers.set(listener, { revision, failure: reason });
    const text = `worker ${this.index} cannot listen for ${listener}: ${reason}`;
    this.#feed.log.error({ worker: this.index, listener, reason }, text);
    const told = this.#toldByListener.get(listener);
    const open = this.#feed.listeners.get(listener);
    if (isSocketLost && told !== undefined && told.socket === open?.socket) open.onSocketLost(reason);
  }

  #unlistened(listener: string): void {
    const leaving = this.#leavingByListener.get(listener);
    leaving?.shift();
    if (leaving?.length === 0) this.#leavingByListener.delete(listener);
    this.#feed.ownSockets.changed();
  }

  #acknowledge(revision: number, hash: string): void {
    this.revision = revision;
    this.hash = hash;
    while (this.#unacknowledged.length > 0 && this.#unacknowledged[0]!.revision <= revision) {
      const { count, characters } = this.#unacknowledged.shift()!;
      this.#unacknowledgedCount -= count;
      this.#unacknowledgedCharacters -= characters;
    }
    const expected = this.#feed.tail.hashAt(revision);
    if (expected === undefined || expected === hash || this.#needsRoster) return;
    this.#feed.log.error(
      { worker: this.index, revision, hash, expected },
      `worker ${this.index} holds another roster at revision ${revision}: ${hash} instead of ${expected}`,
    );
    if (this.#feed.elapsedMs() - this.#repairedAtMs < REPAIR_INTERVAL_MIN_MS) return;
    this.#repairedAtMs = this.#feed.elapsedMs();
    this.#startOver();
  }

  #send(message: WorkerMessage, socket?: SharedSocket): void {
    if (this.#isClosed) return;
    this.#sendsInFlight += 1;
    this.process.send(message, socket).then(
      () => {
        this.#sendsInFlight -= 1;
        if (this.#sendsInFlight === SENDS_IN_FLIGHT_MAX - 1) this.pump();
      },
      (error: unknown) => {
        // The process is gone or going: its end is reported by itself, and its successor starts from a roster.
        this.close();
        this.#feed.log.warn(
          { worker: this.index, err: error },
          `worker ${this.index} takes no messages: ${messageOf(error)}`,
        );
      },
    );
  }
}

/** In another history the same revision is another event. */
function isSameDefinition(left: ListenerDefinition, right: ListenerDefinition): boolean {
  return left.revision === right.revision && isDeepStrictEqual(left.spec, right.spec);
}
