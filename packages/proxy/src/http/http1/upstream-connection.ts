/**
 * One connection to a backend, from dial to close, over any number of requests.
 *
 *     dialling ──connected──► in use ◄──taken── idle (kept alive, newest on top)
 *         │                     │  └──released──► ▲
 *         └─ failed             └─ ended, removed, too old, dirty ──► closed
 *
 * It carries bytes and notices the end. What they mean is its user's business: the exchange that it serves at the moment. While
 * it is idle it reads on, so that an end that the backend has sent is known before somebody takes it; a byte that nobody asked
 * for makes it unusable. One that was not read for a while, because its client was slow, is looked at first.
 */
import { ResponseHeadReader } from '@muster/http1';
import type { PoolSpec } from '@muster/membership';
import { Deadline } from '../../timers/deadline.ts';
import type { IdleConnection, TargetConnections } from '../../pool/target-connections.ts';
import { TICK_MS, type TimerWheel } from '../../timers/timer-wheel.ts';
import { type Dial, type Dialler, type DialOwner, type Leg, type LegOwner, timeoutCode } from '@muster/transport';

/** Why a connection was lost: the backend ended or reset it, or takes no more bytes and says nothing. */
export type LossReason = 'ended' | 'reset' | 'write_failed';

/** The exchange that is served. */
export interface UpstreamUser {
  onUpstreamConnected(): void;
  /** The connection is closed already. */
  onUpstreamConnectFailed(code: string, detail?: string): void;
  onUpstreamBytes(bytes: Buffer): void;
  onUpstreamDrained(): void;
  /** It takes no more bytes. What it said before may still be read; `onUpstreamLost` follows. */
  onUpstreamWriteFailed(): void;
  /** The connection is closed already, except for `ended`. */
  onUpstreamLost(reason: LossReason): void;
  /** The deadline that the user set. */
  onUpstreamDeadline(): void;
  /** The connection is closed already. */
  onTargetLeft(reason: 'target_removed' | 'drain_timeout'): void;
}

export interface KeepAlivePolicy {
  readonly maxIdle: number;
  readonly idleTimeoutMs: number;
  readonly maxAgeMs: number;
}

export function keepAlivePolicy(spec: PoolSpec): KeepAlivePolicy {
  const { maxIdleConnectionsPerBackend, upstreamIdleTimeoutMs, upstreamMaxAgeMs } = spec;
  return {
    maxIdle: maxIdleConnectionsPerBackend ?? MAX_IDLE_CONNECTIONS,
    idleTimeoutMs: upstreamIdleTimeoutMs ?? UPSTREAM_IDLE_TIMEOUT_MS,
    maxAgeMs: upstreamMaxAgeMs ?? UPSTREAM_MAX_AGE_MS,
  };
}

const MAX_IDLE_CONNECTIONS = 128;
const UPSTREAM_IDLE_TIMEOUT_MS = 60_000;
const UPSTREAM_MAX_AGE_MS = 3_600_000;

export interface UpstreamEnvironment {
  readonly dialler: Dialler;
  readonly wheel: TimerWheel;
}

export class UpstreamConnection implements DialOwner, LegOwner, IdleConnection {
  readonly target: TargetConnections;
  readonly heads = new ResponseHeadReader();
  readonly #environment: UpstreamEnvironment;
  /** The user's deadline, or the end of the idle time. */
  readonly #deadline: Deadline;
  readonly #onRoom: () => void;
  readonly #madeTick: number;
  #user: UpstreamUser | null;
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

  get isClosed(): boolean {
    return this.#isClosed;
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
   * A head and what is here of the body: in one write where that is text, else one after the other, because text out of much of a
   * body costs more than the second system call. False: it takes no more bytes.
   */
  writeMessage(head: string, body: string | Buffer): boolean {
    if (typeof body === 'string') return this.#written(this.#leg!.writeText(head + body));
    const isTaken = this.#written(this.#leg!.writeText(head));
    if (!isTaken || !this.isWritePending) return isTaken && this.write(body);
    this.#unwritten = body;
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
    if (this.#user === null) this.close();
    else this.#user.onUpstreamBytes(bytes);
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

/** The kept-alive connection that was used last, or null. */
export function takeIdle(target: TargetConnections, user: UpstreamUser): UpstreamConnection | null {
  const { idle } = target;
  // Only this file puts connections there. Nearly always the last one can be taken.
  const found = (idle.at(-1)?.isSettled === true ? idle.pop() : takeSettled(idle)) as UpstreamConnection | undefined;
  if (found === undefined) return null;
  found.take(user);
  return found;
}

function takeSettled(idle: IdleConnection[]): IdleConnection | undefined {
  const index = idle.findLastIndex(({ isSettled }) => isSettled);
  return index < 0 ? undefined : idle.splice(index, 1)[0];
}
