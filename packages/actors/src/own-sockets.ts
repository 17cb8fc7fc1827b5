/**
 * The listening sockets of this node, as one table: who holds which address, who still wants it, and who is in the way of whom.
 *
 *     keeper ──EADDRINUSE──► makeWay ──► nobody of ours    the kernel's word stands: another program has the address
 *                                   ├──► wanted            another listener of ours is to be there: the same failure
 *                                   └──► leaving           ours, and no longer wanted: it is let go, and tried again
 *                                                          as soon as the last worker has closed it
 *
 * Whether two addresses exclude each other is the kernel's word. Its rules are repeated here (`excludes`) only to find out which of
 * our own sockets it meant, and for sockets that are bound and not listened on yet, of which it says nothing.
 */
import { excludes, type Address } from '@muster/membership';
import type { Clock, SharedSocket } from './ports.ts';

/** A worker that has not closed a socket for so long is taken for one that holds it on. */
const LEAVING_TIMEOUT_MS = 5_000;

export type Blocker =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'leaving' }
  /** `listener` is another one of this node, which is bound where its definition says. */
  | { readonly kind: 'wanted'; readonly listener: string };

interface Held {
  readonly listener: string;
  readonly bind: string;
  readonly socket: SharedSocket;
  readonly letGo: () => void;
  /** When it was closed here, by `elapsedMs`; null while it is held. A worker may have it open for a moment more. */
  closedAtMs: number | null;
}

export interface OwnSocketsPorts {
  readonly clock: Pick<Clock, 'elapsedMs'>;
  /** Whether some living worker may still have a socket open. */
  readonly isWithWorkers: (socket: SharedSocket) => boolean;
}

export class OwnSockets {
  readonly #ports: OwnSocketsPorts;
  readonly #held = new Set<Held>();
  readonly #bindByListener = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  #turn: Promise<void> = Promise.resolve();

  constructor(ports: OwnSocketsPorts) {
    this.#ports = ports;
  }

  /** Where a listener is to be bound from now on; null: nowhere. */
  wish(listener: string, bind: string | null): void {
    if (bind === null) this.#bindByListener.delete(listener);
    else this.#bindByListener.set(listener, bind);
    this.changed();
  }

  /** `letGo` is called when the socket is in another listener's way and its own listener wants to be elsewhere. Returns what closes it. */
  hold(socket: SharedSocket, { listener, bind, letGo }: Pick<Held, 'listener' | 'bind' | 'letGo'>): () => void {
    const held: Held = { listener, bind, socket, letGo, closedAtMs: null };
    this.#held.add(held);
    return () => {
      if (held.closedAtMs !== null) return;
      held.closedAtMs = this.#ports.clock.elapsedMs();
      socket.close();
      this.changed();
    };
  }

  /** Who of ours is in the way of `address`. Whoever is, and is wanted elsewhere, is let go. */
  makeWay(address: Address): Blocker {
    this.#forgetClosed();
    let blocker: Blocker = { kind: 'nobody' };
    for (const held of this.#held) {
      if (!excludes(held.socket.address, address)) continue;
      if (held.closedAtMs === null && this.#bindByListener.get(held.listener) === held.bind) {
        return { kind: 'wanted', listener: held.listener };
      }
      blocker = { kind: 'leaving' };
    }
    if (blocker.kind === 'leaving') this.#letGo(address);
    return blocker;
  }

  /** Calls back once, when a listener wants to be elsewhere or a worker has closed a socket. Returns what takes it back. */
  whenChanged(callBack: () => void): () => void {
    this.#waiting.add(callBack);
    return () => this.#waiting.delete(callBack);
  }

  /** Runs one try after another. `open` does not reject. */
  inTurn(open: () => Promise<void>): void {
    this.#turn = this.#turn.then(open);
  }

  /** To be called when a worker has closed a socket, or has ended. */
  changed(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    queueMicrotask(() => waiting.forEach((callBack) => callBack()));
  }

  #letGo(address: Address): void {
    for (const { socket, closedAtMs, letGo } of this.#held) {
      if (closedAtMs === null && excludes(socket.address, address)) letGo();
    }
  }

  #forgetClosed(): void {
    const nowMs = this.#ports.clock.elapsedMs();
    for (const held of this.#held) {
      if (held.closedAtMs === null) continue;
      const isLate = nowMs - held.closedAtMs > LEAVING_TIMEOUT_MS;
      if (isLate || !this.#ports.isWithWorkers(held.socket)) this.#held.delete(held);
    }
  }
}
