/**
 * A leg: one side of a relayed connection, as the relay sees it, and the transport that makes legs.
 *
 *     client ══ downstream leg ══ Connection ══ upstream leg ══ backend
 *
 * The interface is what a relay needs and no more, so that it can sit directly on the event loop's handles
 * (`raw-transport.ts`, the one in use) or on public `net` sockets (`socket-transport.ts`, the fall-back).
 * One contract, tested on both (`transport.test.ts`).
 *
 * The rule that makes it zero-copy: the bytes handed to `onBytes` live in the leg's own read buffer. They may be
 * written on at once, on any leg; while that write is `pending` nothing is read into the buffer, whichever leg is resumed, closed
 * or reset meanwhile. The reader is paused until `onDrained`, so a relay holds at most one read's worth per direction
 * and never queues. What an owner keeps without writing it is good until the leg reads on or is closed.
 */
import type { Address } from '@muster/membership';

/** A bound socket that is not listening yet, as `bindSharedSocket` made it or as it arrived over IPC. Opaque. */
export type SocketHandle = object;

/** Taken: the kernel has it all. Pending: some is left, `onDrained` will come. Failed: the peer takes no more bytes. */
export type WriteOutcome = 'taken' | 'pending' | 'failed';

export interface Leg {
  /** Who is told; to be set before `start`. */
  owner: LegOwner | null;
  /** Starts reading. Once, after the leg is connected. */
  start(): void;
  /** At most one write may be pending, whichever of the two made it. */
  write(bytes: Uint8Array): WriteOutcome;
  /** Each character is one byte: its code unit, which must be below 256. Nobody else may refer to what is pending. */
  writeText(text: string): WriteOutcome;
  pause(): void;
  resume(): void;
  /** Nothing is expected for a while: memory that others want more is given back. Reading goes on as before. */
  rest(): void;
  /** Half-close: nothing more will be written; reading goes on. Nothing may be pending. */
  end(): void;
  /** Closes at once, whatever is pending. No callback comes after it. May be repeated. */
  close(): void;
  /** As `close`, but the peer learns that something went wrong: a reset instead of an end, where the transport can. */
  reset(): void;
  /** The peer's literal IP address; null for a Unix socket, and once the peer is gone. */
  peerAddress(): string | null;
}

export interface DialOwner {
  /** The leg is connected and the owner's: it has no owner yet and is not started. */
  onConnected(leg: Leg): void;
  /**
   * `code` is the system's, such as ECONNREFUSED, or one of ours (`connect-failure.ts`); `detail` is what it alone does not say:
   * why a guard refuses the target. Nothing is left to be closed.
   */
  onConnectFailed(code: string, detail?: string): void;
}

/** A dial that is under way. */
export interface Dial {
  /** Whether it still waits for the addresses of its host name. Default: there is no name. */
  readonly isLookingUp?: boolean;
  /** Gives it up. No callback comes after it. */
  close(): void;
}

export interface LegOwner {
  onBytes(leg: Leg, bytes: Buffer): void;
  /** The pending write has reached the kernel. */
  onDrained(leg: Leg): void;
  /** The pending write will never finish; the peer takes no more bytes. */
  onWriteFailed(leg: Leg): void;
  /** The peer will send no more. */
  onEnd(leg: Leg): void;
  /** The peer reset the connection, or the kernel gave it up. */
  onReset(leg: Leg): void;
}

export type ListenOutcome =
  | { readonly ok: true; readonly acceptor: Acceptor }
  /** `code` is the system's, such as EADDRINUSE. */
  | { readonly ok: false; readonly code: string };

export interface Acceptor {
  /** Stops accepting in this process. Other holders of the socket are not disturbed. May be repeated. */
  close(): void;
  /**
   * Accepts what waits in the kernel's queue, for `FINISH_TURNS_MAX` turns of the event loop at most, and closes. So a connection that
   * was made before nobody wanted the socket any more is not reset with it. `onClosed` is called once, also when `close` comes first.
   */
  finish(onClosed: () => void): void;
}

/** Of the event loop; a turn in which nothing is accepted is the last but one. */
export const FINISH_TURNS_MAX = 64;

export interface AcceptCallbacks {
  readonly onAccepted: (leg: Leg) => void;
  /** Accepting failed, for example with EMFILE; the acceptor goes on. */
  readonly onAcceptFailed: (code: string) => void;
}

export interface Transport {
  readonly name: 'raw' | 'socket';
  /** Listens with a backlog of `LISTEN_BACKLOG`. */
  listen(handle: SocketHandle, callbacks: AcceptCallbacks): Promise<ListenOutcome>;
  /** Dials one address; `host` must be a literal IP address. The outcome is told later, never within the call. */
  dial(address: Address, owner: DialOwner): Dial;
}

/** Connections that wait in the kernel while no worker accepts; the kernel lowers it to net.core.somaxconn. */
export const LISTEN_BACKLOG = 4_096;

/** Idle time after which the kernel probes a silent peer, seconds. Further probes come each second, ten at most. */
export const TCP_KEEP_ALIVE_S = 60;
