/**
 * One connection to a backend, from dial to close, over any number of requests.
 *
 *     dialling ──connected──► in use ◄──taken── idle (kept alive, newest on top)
 *         │                     │  └──released──► ▲
 *         └─ failed             └─ ended, removed, too old, dirty ──► closed
 *
 * It carries the request of the exchange that it serves at the moment, reads the answer, and notices the end. While
 * it is idle it reads on, so that an end that the backend has sent is known before somebody takes it; a byte that nobody asked
 * for makes it unusable. One that was not read for a while, because its client was slow, is looked at first.
 */
import { Deadline } from '../../timers/deadline.ts';
import type { IdleConnection, TargetConnections } from '../../pool/target-connections.ts';
import { TICK_MS, type TimerWheel } from '../../timers/timer-wheel.ts';
import { type Dial, type Dialler, type DialOwner, type Leg, type LegOwner, timeoutCode } from '@muster/transport';
import type { RequestRouting } from '../exchange/forwarded-from.ts';
import type { DialOptions, UpstreamOpener, UpstreamStream, UpstreamUser } from '../exchange/streams.ts';
import type { KeepAlivePolicy } from '../routes/exchange-policy.ts';
import { AnswerReader } from './answer-reader.ts';
import { requestHeadText } from './head-text.ts';

export interface UpstreamEnvironment {
  readonly dialler: Dialler;
  readonly wheel: TimerWheel;
}

class UpstreamConnection implements UpstreamStream, DialOwner, LegOwner, IdleConnection {
  readonly target: TargetConnections;
  readonly incoming = new AnswerReader(this);
  readonly #environment: UpstreamEnvironment;
  /** The user's deadline, or the end of the idle time. */
  readonly #deadline: Deadline;
  readonly #onRoom: () => void;
  readonly #madeTick: number;
  #user: UpstreamUser | null;
  /** The user's request was sent, or a part of it: what comes is its answer. */
  #isAsked = false;
  #dial: Dial | null = null;
  #leg: Leg | null = null;
  #isClosed = false;
  #isPaused = false;
  /** Idle, and all that came before has been read. */
  isSettled = false;
  /** Whether it has served somebody before. */
  isReused = false;
  /** What is written when the head before it was taken. */
  #unwritten: Buffer | null = null;
  #peerAddress: string | null = null;
  /** A write is on its way: what it refers to must be left alone. */
  isWritePending = false;

  /** `onRoom` is told when it can be taken, or is closed and leaves room for another connection. */
  constructor(
    environment: UpstreamEnvironment,
    target: TargetConnections,
    { user, onRoom }: { user: UpstreamUser; onRoom: () => void },
  ) {
    this.#environment = environment;
    this.target = target;
    this.#user = user;
    this.#onRoom = onRoom;
    this.#madeTick = environment.wheel.tick;
    this.#deadline = new Deadline(environment.wheel, () => this.#deadlineReached());
    target.connections.add(this);
  }

  dial(connectTimeoutMs: number): void {
    this.#deadline.set(connectTimeoutMs);
    this.#dial = this.#environment.dialler.dial(this.target.address, this);
  }

  /** An idle one serves somebody else from now on. */
  take(user: UpstreamUser): void {
    this.#user = user;
    this.isReused = true;
    this.isSettled = false;
    this.#isAsked = false;
    this.incoming.hasBytes = false;
    this.#deadline.clear();
  }

  /** The user is done with it. Where it cannot serve another, it is closed. */
  release(isReusable: boolean, { maxIdle, idleTimeoutMs, maxAgeMs }: KeepAlivePolicy): void {
    this.#user = null;
    const { idle, state } = this.target;
    const leftMs = maxAgeMs - (this.#environment.wheel.tick - this.#madeTick) * TICK_MS;
    const isUsable = isReusable && !this.#isClosed && !this.isWritePending;
    const isWorthKeeping = isUsable && !this.target.hasMoved(this);
    if (!isWorthKeeping || state !== 'member' || leftMs <= 0 || idle.length >= maxIdle) return this.close();
    this.#deadline.set(Math.min(idleTimeoutMs, leftMs));
    idle.push(this);
    const wasPaused = this.#isPaused;
    if (wasPaused) this.resume();
    this.#leg!.rest();
    if (!wasPaused) return this.#settle();
    // From the first to the second, the event loop asks for what has come.
    setImmediate(() => setImmediate(() => this.#settle()));
  }

  /** Asked for only where the target has a host name, and then looked up once. */
  get peerAddress(): string | null {
    this.#peerAddress ??= this.#leg!.peerAddress();
    return this.#peerAddress;
  }

  setDeadline(delayMs: number): void {
    this.#deadline.set(delayMs);
  }

  clearDeadline(): void {
    this.#deadline.clear();
  }

  /** The leg is somebody else's from now on, and so are its place in the connection table and the news of its end. */
  handOver(): { readonly leg: Leg; readonly onClosed: () => void } {
    this.#isClosed = true;
    this.#user = null;
    this.#deadline.dispose();
    this.target.connections.delete(this);
    return { leg: this.#leg!, onClosed: this.#onRoom };
  }

  /**
   * In one write where the body is text, else one after the other, because text out of much of a body costs more than the second
   * system call.
   */
  sendRequest(fields: string, routing: RequestRouting): boolean {
    const { head, body, policy } = this.#user!;
    const text = requestHeadText(head, fields, routing);
    const { kept } = body;
    this.#isAsked = true;
    this.incoming.begin(head.method, policy.answers);
    if (typeof kept === 'string') return this.#written(this.#leg!.writeText(text + kept));
    const isTaken = this.#written(this.#leg!.writeText(text));
    if (!isTaken || !this.isWritePending) return isTaken && this.write(kept);
    this.#unwritten = kept;
    return true;
  }

  write(bytes: Uint8Array): boolean {
    return this.#written(this.#leg!.write(bytes));
  }

  pause(): void {
    this.#isPaused = true;
    this.#leg!.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isClosed) this.#leg!.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#user = null;
    this.#deadline.dispose();
    this.#dial?.close();
    this.#leg?.close();
    this.target.connections.delete(this);
    this.#forgetIdle();
    this.#onRoom();
  }

  closeIdle(): void {
    this.close();
  }

  onConnected(leg: Leg): void {
    this.#dial = null;
    this.#deadline.clear();
    this.#leg = leg;
    leg.owner = this;
    if (this.target.state === 'gone') return this.leaveTarget('target_removed');
    leg.start();
    this.#user!.onUpstreamConnected();
  }

  onConnectFailed(code: string, detail?: string): void {
    const user = this.#user!;
    this.#dial = null;
    this.close();
    user.onUpstreamConnectFailed(code, detail);
  }

  onBytes(_leg: Leg, bytes: Buffer): void {
    const user = this.#user;
    if (user === null) return this.close();
    // Nobody asked yet: whatever it says is no answer to this request.
    if (!this.#isAsked) return user.onUpstreamLost('reset');
    const { answer } = user;
    answer.stats.bytesFromUpstream += bytes.length;
    if (!this.incoming.read(bytes, answer)) this.pause();
  }

  onDrained(): void {
    this.isWritePending = false;
    const body = this.#unwritten;
    this.#unwritten = null;
    if (body !== null && !this.write(body)) return this.onWriteFailed();
    if (!this.isWritePending) this.#user?.onUpstreamDrained();
  }

  onWriteFailed(): void {
    this.#user?.onUpstreamWriteFailed();
  }

  onReset(): void {
    const user = this.#user;
    this.close();
    user?.onUpstreamLost('reset');
  }

  /** For a body that ends with the connection this is its regular end, so it is left open for the user to say. */
  onEnd(): void {
    if (this.#user === null) this.close();
    else this.#user.onUpstreamLost('ended');
  }

  leaveTarget(reason: 'target_removed' | 'drain_timeout'): void {
    const user = this.#user;
    this.close();
    user?.onTargetLeft(reason);
  }

  #settle(): void {
    if (this.#isClosed) return;
    this.isSettled = true;
    this.#onRoom();
  }

  #written(outcome: 'taken' | 'pending' | 'failed'): boolean {
    if (outcome === 'pending') this.isWritePending = true;
    return outcome !== 'failed';
  }

  #deadlineReached(): void {
    if (this.#user === null) return this.close();
    if (this.#dial !== null) {
      const code = timeoutCode(this.#dial);
      this.#dial.close();
      return this.onConnectFailed(code);
    }
    this.#user.onUpstreamDeadline();
  }

  #forgetIdle(): void {
    const index = this.target.idle.lastIndexOf(this);
    if (index >= 0) this.target.idle.splice(index, 1);
  }
}

/** The connections to the backends of all listeners: taken where one is kept alive, dialled where none is. */
export class UpstreamConnections implements UpstreamOpener {
  readonly #environment: UpstreamEnvironment;

  constructor(environment: UpstreamEnvironment) {
    this.#environment = environment;
  }

  takeIdle(target: TargetConnections, user: UpstreamUser): UpstreamConnection | null {
    const { idle } = target;
    // Only this file puts connections there. Nearly always the last one can be taken.
    const found = (idle.at(-1)?.isSettled === true ? idle.pop() : takeSettled(idle)) as UpstreamConnection | undefined;
    if (found === undefined) return null;
    found.take(user);
    return found;
  }

  dial(target: TargetConnections, user: UpstreamUser, { connectTimeoutMs, onRoom }: DialOptions): UpstreamConnection {
    const upstream = new UpstreamConnection(this.#environment, target, { user, onRoom });
    upstream.dial(connectTimeoutMs);
    return upstream;
  }
}

function takeSettled(idle: IdleConnection[]): IdleConnection | undefined {
  const index = idle.findLastIndex(({ isSettled }) => isSettled);
  return index < 0 ? undefined : idle.splice(index, 1)[0];
}
