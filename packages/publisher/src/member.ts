/**
 * One member of a pool, as its own process sees it: registered, kept alive by heartbeats, drained, gone.
 *
 *     join ──► registered ──drain──► draining ──leave──► left
 *                │     ▲                 │
 *   'unknown' ▼     │ recorded         │ 'removed', also from registered
 *            registering                 ▼
 *                                     removed
 *
 * It never reads the journal. What it learns of its own fate are the answers of nodes to heartbeats that they cannot place:
 * `unknown`, then it registers again, and drains again if it was draining; `removed`, then it falls silent, because somebody
 * decided so, and coming back is for a person to decide.
 *
 * Silence has no consequences here, only at the nodes: when they have heard nothing for the lease, they take the member out. So a
 * NATS server that is away for less changes nothing, and one that is away for longer is made good by the first answer after it.
 * Nothing that happens after `join` throws.
 */
import { randomUUID } from 'node:crypto';
import {
  formatSubject,
  heartbeatSubject,
  parseHeartbeatAnswer,
  type EventOf,
  type Heartbeat,
  type HeartbeatAnswer,
} from '@muster/membership';
import type { NatsLink } from '@muster/nats';
import { announce, type AnnounceOutcome } from './announce.ts';
import { HeartbeatTimer } from './heartbeat-timer.ts';
import type { MemberSpec } from './member-options.ts';
import { RegistrationQuestion, type RegistrationVerdict } from './registration-question.ts';
import { RegistrationPace } from './registration-pace.ts';

export type MemberStatus =
  | { readonly state: 'registered' }
  /** The nodes had lost it: its lease ran out, or the journal was made anew. It is registering itself again. */
  | { readonly state: 'registering' }
  /** From the call of `drain` on. */
  | { readonly state: 'draining' }
  /** Somebody took it out, or gave its name another target: who, with which event and why. It is silent from now on. */
  | {
      readonly state: 'removed';
      readonly revision: number;
      readonly origin: string | null;
      readonly reason: string | null;
    }
  | { readonly state: 'left' };

/** What a member needs of the publisher that it belongs to. */
export interface MemberHost {
  readonly link: NatsLink;
  /** On core NATS, with a reply subject whose messages come to `onAnswer`. While NATS is away it does nothing. */
  readonly publish: (subject: string, text: string) => void;
  readonly onProblem: (problem: string | null) => void;
  /** Called once, when the member has left. */
  readonly release: () => Promise<void>;
}

type BackendEvent = EventOf<'BackendRegistered' | 'BackendModeSet' | 'BackendDeregistered'>;

export class Member implements AsyncDisposable {
  readonly #spec: MemberSpec;
  readonly #host: MemberHost;
  readonly #subject: string;
  readonly #heartbeatSubject: string;
  #status: MemberStatus = { state: 'registering' };
  #changed = Promise.withResolvers<void>();
  /** Ends the announcements that still wait when the member leaves. */
  readonly #staying = new AbortController();
  /** Announcements go out one after another: a drain never overtakes its registration. */
  #lastAnnounced: Promise<unknown> = Promise.resolve();
  readonly #heartbeats: HeartbeatTimer;
  readonly #pace: RegistrationPace;
  /** Of the newest registration; an answer that speaks of something earlier is out of date. */
  #revision = 0;
  #isRegistering = false;
  #question: RegistrationQuestion | null = null;
  #drained: { readonly reason: string | undefined; readonly outcome: Promise<AnnounceOutcome> } | null = null;
  #left: Promise<AnnounceOutcome> | null = null;

  /** Made by `Publisher.join`, which also registers it. */
  constructor(spec: MemberSpec, host: MemberHost) {
    const { cluster, pool, id, registration, heartbeatMs } = spec;
    this.#spec = spec;
    this.#host = host;
    this.#subject = formatSubject(cluster, { kind: 'backend', pool, backend: id });
    this.#pace = new RegistrationPace(heartbeatMs);
    this.#heartbeatSubject = heartbeatSubject(cluster, { pool, backend: id });
    const heartbeat = JSON.stringify({ target: registration.target } satisfies Heartbeat);
    this.#heartbeats = new HeartbeatTimer(heartbeatMs, () => host.publish(this.#heartbeatSubject, heartbeat));
  }

  get pool(): string {
    return this.#spec.pool;
  }

  get id(): string {
    return this.#spec.id;
  }

  get state(): MemberStatus['state'] {
    return this.#status.state;
  }

  get status(): MemberStatus {
    return this.#status;
  }

  /**
   * The status now and then each newer one, until `left` or `removed`, which is the last. Read slowly it skips what is out of
   * date; nothing piles up. Any number of readers may look.
   */
  async *changes(): AsyncGenerator<MemberStatus, void, void> {
    for (let seen: MemberStatus | null = null; ;) {
      if (this.#status === seen) {
        await this.#changed.promise;
        continue;
      }
      seen = this.#status;
      yield seen;
      if (isLast(seen)) return;
    }
  }

  /**
   * What the nodes make of the newest registration: that it is recorded does not say that it makes sense, for example that its pool
   * is there. Asks them for up to two seconds; never rejects. A member whose registration was rejected goes on as one that nobody knows:
   * it registers again, at first after a heartbeat's interval and at last once a minute, and so is taken once its pool is there.
   */
  verdict(): Promise<RegistrationVerdict> {
    const question = new RegistrationQuestion(this.#revision);
    this.#question = question;
    const { target } = this.#spec.registration;
    const say = (revision: number): void => {
      this.#host.publish(this.#heartbeatSubject, JSON.stringify({ target, revision } satisfies Heartbeat));
    };
    return question.ask(say, this.#staying.signal);
  }

  /**
   * No new connections from now on; open ones may finish. Resolves once it is recorded, or as `unconfirmed` after `answerTimeoutMs`:
   * then it goes on trying. A second call gives the outcome of the first. A member that is gone has nothing to drain: `unconfirmed`.
   */
  drain(reason?: string): Promise<AnnounceOutcome> {
    if (this.#isGone()) return Promise.resolve(unconfirmed('the member is gone'));
    if (this.#drained === null) {
      if (this.state === 'registered') this.#become({ state: 'draining' });
      this.#drained = { reason, outcome: this.#announceDrain(reason) };
      void this.#drained.outcome.then(({ outcome }) => {
        if (outcome === 'refused') this.#drained = null;
        if (outcome === 'refused' && this.state === 'draining') this.#become({ state: 'registered' });
      });
    }
    return within(this.#spec.answerTimeoutMs, this.#drained.outcome);
  }

  /**
   * Deregisters it, stops the heartbeats and lets go of everything that would keep the process alive. Takes `answerTimeoutMs` at
   * most, and a second to close a connection of its own. `unconfirmed`: NATS was away; the nodes take it out when its lease is over.
   * For a member that was `removed` nothing is sent, and the revision is that of its removal. A second call gives the outcome of the first.
   */
  leave(reason?: string): Promise<AnnounceOutcome> {
    this.#left ??= this.#leave(reason);
    return this.#left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }

  /** For the publisher: the first registration. Resolves when it is recorded or refused, or given up by the signal. */
  async register(signal?: AbortSignal): Promise<AnnounceOutcome> {
    const outcome = await this.#register(signal);
    if (outcome.outcome === 'acknowledged') {
      this.#heartbeats.start();
    } else {
      this.#fallSilent();
      this.#become({ state: 'left' });
    }
    return outcome;
  }

  /** For the publisher: NATS has come back, and the silence should end now. */
  beatNow(): void {
    this.#heartbeats.beatNow();
  }

  /** For the publisher: what a node answered to a heartbeat. Anything else is passed over. */
  onAnswer(text: string): void {
    const answer = parseHeartbeatAnswer(text);
    if (answer === null || this.#isGone()) return;
    switch (answer.standing) {
      case 'unknown':
        this.#registerAgain();
        break;
      case 'removed':
        this.#onRemoved(answer);
        break;
      case 'accepted':
      case 'rejected':
        this.#question?.onAnswer(answer);
        break;
    }
  }

  #onRemoved({ revision, origin, reason }: Extract<HeartbeatAnswer, { standing: 'removed' }>): void {
    if (revision < this.#revision) return;
    this.#fallSilent();
    this.#become({ state: 'removed', revision, origin, reason });
  }

  #registerAgain(): void {
    if (this.#isRegistering || !this.#pace.isDue(performance.now())) return;
    this.#become({ state: 'registering' });
    void this.#register();
  }

  async #register(signal?: AbortSignal): Promise<AnnounceOutcome> {
    this.#isRegistering = true;
    const drainedBefore = this.#drained;
    const outcome = await this.#announce(this.#spec.registration, signal);
    this.#isRegistering = false;
    if (outcome.outcome !== 'acknowledged') return outcome;
    this.#revision = outcome.revision;
    this.#pace.onRegistered(performance.now());
    if (this.#isGone()) return outcome;
    if (drainedBefore !== null) void this.#announceDrain(drainedBefore.reason);
    this.#become({ state: this.#drained === null ? 'registered' : 'draining' });
    return outcome;
  }

  #announceDrain(reason: string | undefined): Promise<AnnounceOutcome> {
    return this.#announce({ type: 'BackendModeSet', mode: 'drain', ...reasonField(reason) });
  }

  async #leave(reason: string | undefined): Promise<AnnounceOutcome> {
    this.#fallSilent();
    const outcome = await this.#deregister(reason);
    if (this.state !== 'removed') this.#become({ state: 'left' });
    await this.#host.release();
    return outcome;
  }

  async #deregister(reason: string | undefined): Promise<AnnounceOutcome> {
    if (this.#status.state === 'removed') return { outcome: 'acknowledged', revision: this.#status.revision };
    const leaving = new AbortController();
    const timer = setTimeout(() => leaving.abort(), this.#spec.answerTimeoutMs);
    const outcome = await this.#send({ type: 'BackendDeregistered', ...reasonField(reason) }, leaving.signal);
    clearTimeout(timer);
    return outcome;
  }

  /** After what was announced before. */
  #announce(event: BackendEvent, signal?: AbortSignal): Promise<AnnounceOutcome> {
    const staying = this.#staying.signal;
    const until = signal === undefined ? staying : AbortSignal.any([staying, signal]);
    const announced = this.#lastAnnounced.then(() => this.#send(event, until));
    this.#lastAnnounced = announced;
    return announced;
  }

  #send(event: BackendEvent, signal: AbortSignal): Promise<AnnounceOutcome> {
    const { link, onProblem } = this.#host;
    const payload = JSON.stringify(event);
    const outgoing = { subject: this.#subject, eventId: randomUUID(), origin: this.#spec.origin, payload };
    return announce(link, outgoing, { signal, onProblem });
  }

  #fallSilent(): void {
    this.#heartbeats.stop();
    this.#staying.abort();
  }

  #isGone(): boolean {
    return this.#isOver() || this.#left !== null;
  }

  #isOver(): boolean {
    return isLast(this.#status);
  }

  #become(status: MemberStatus): void {
    if (status.state === this.state) return;
    this.#status = status;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function isLast({ state }: MemberStatus): boolean {
  return state === 'left' || state === 'removed';
}

const REASON_CHARACTERS_MAX = 500;

/** What an event can hold of a reason: an empty one is none, and one that is too long is cut. */
function reasonField(reason: string | undefined): { readonly reason?: string } {
  return reason ? { reason: reason.slice(0, REASON_CHARACTERS_MAX) } : {};
}

function unconfirmed(message: string): AnnounceOutcome {
  return { outcome: 'unconfirmed', message };
}

async function within(timeoutMs: number, outcome: Promise<AnnounceOutcome>): Promise<AnnounceOutcome> {
  const { promise: expired, resolve } = Promise.withResolvers<AnnounceOutcome>();
  const timer = setTimeout(() => resolve(unconfirmed(`no acknowledgement within ${timeoutMs} ms`)), timeoutMs);
  const first = await Promise.race([outcome, expired]);
  clearTimeout(timer);
  return first;
}
