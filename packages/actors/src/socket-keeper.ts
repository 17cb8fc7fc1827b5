/**
 * The keeper of one listening socket: opens it, tries again while it cannot, and closes it when nobody wants it any more, also when
 * it opens only after that.
 *
 *     open ──► open, and nobody of ours in the way ──► held until `stop`, or until it is in another listener's way
 *       ▲  └─► another socket of ours is in the way, and is wanted elsewhere ──► it is let go; again when the workers have closed it
 *       └──── anything else: the reason is told; again after 500 ms to 5 s, or when a listener of ours moves
 */
import { backoffMs, type Backoff, messageOf, parseBind, type Address } from '@muster/membership';
import type { Blocker, OwnSockets } from './own-sockets.ts';
import type { Clock, Logger, OpenSocket, OpenSocketOutcome, SharedSocket } from './ports.ts';

const OPEN_BACKOFF: Backoff = { minMs: 500, maxMs: 5_000 };
/** Between tries while a socket of ours is being closed: the last word that a worker closed it comes sooner, mostly. */
const LEAVING_BACKOFF: Backoff = { minMs: 10, maxMs: 500 };

export interface KeeperPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly openSocket: OpenSocket;
  readonly feed: { readonly ownSockets: OwnSockets };
}

export interface KeeperInput {
  /** The name of this keeper among those of its listener. */
  readonly keeper: string;
  readonly listener: string;
  readonly bind: string;
  /** How often in a row a socket of this address turned out to be of no use: the first try waits accordingly. */
  readonly lossesCount: number;
  readonly ports: KeeperPorts;
}

export type KeeperEvent =
  | { readonly type: 'opened'; readonly keeper: string; readonly socket: SharedSocket }
  | { readonly type: 'failed'; readonly keeper: string; readonly reason: string }
  /** The socket is in another listener's way: the keeper is to be stopped, and the workers told. */
  | { readonly type: 'in-the-way'; readonly keeper: string };

export class SocketKeeper {
  readonly #input: KeeperInput;
  readonly #tell: (event: KeeperEvent) => void;
  #release: (() => void) | null = null;
  #timer: unknown = null;
  #unwatch: (() => void) | null = null;
  #isStopped = false;
  #failuresCount = 0;
  #waitsCount = 0;

  constructor(input: KeeperInput, tell: (event: KeeperEvent) => void) {
    this.#input = input;
    this.#tell = tell;
    const { listener, bind, lossesCount, ports } = input;
    ports.feed.ownSockets.wish(listener, bind);
    if (lossesCount === 0) this.#open();
    else this.#again(backoffMs(lossesCount - 1, OPEN_BACKOFF, ports.random));
  }

  stop(): void {
    this.#isStopped = true;
    this.#input.ports.clock.clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#release?.();
  }

  readonly #open = (): void => {
    const { bind, ports } = this.#input;
    ports.clock.clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#unwatch = null;
    const address = parseBind(bind);
    if (address?.kind !== 'unix') return void this.#ask();
    // The operating system cannot say whether a Unix path is ours, so that is found out first, one listener at a time.
    ports.feed.ownSockets.inTurn(async () => {
      if (this.#isStopped) return;
      const blocker = ports.feed.ownSockets.makeWay(address);
      if (blocker.kind === 'nobody') await this.#ask();
      else this.#blocked(blocker);
    });
  };

  async #ask(): Promise<void> {
    const { listener, bind, ports } = this.#input;
    let outcome: OpenSocketOutcome;
    try {
      outcome = await ports.openSocket(bind);
    } catch (error) {
      ports.log.error({ listener, err: error }, `listener ${listener} could not be opened: ${messageOf(error)}`);
      outcome = { outcome: 'failed', reason: messageOf(error), taken: null };
    }
    this.#settle(outcome);
  }

  #settle(outcome: OpenSocketOutcome): void {
    if (this.#isStopped) return outcome.outcome === 'open' ? outcome.socket.close() : undefined;
    if (outcome.outcome === 'open') return this.#opened(outcome.socket);
    const blocker = outcome.taken === null ? NOBODY : this.#makeWay(outcome.taken);
    if (blocker.kind === 'nobody') this.#failed(outcome.reason);
    else this.#blocked(blocker);
  }

  /** A socket of ours that no worker listens on yet does not stop the kernel from giving its address out again. */
  #opened(socket: SharedSocket): void {
    const { keeper, listener, bind, ports } = this.#input;
    const blocker = this.#makeWay(socket.address);
    if (blocker.kind !== 'nobody') {
      socket.close();
      return this.#blocked(blocker);
    }
    const letGo = () => this.#tell({ type: 'in-the-way', keeper });
    this.#release = ports.feed.ownSockets.hold(socket, { listener, bind, letGo });
    this.#tell({ type: 'opened', keeper, socket });
  }

  #makeWay(address: Address): Blocker {
    return this.#input.ports.feed.ownSockets.makeWay(address);
  }

  #blocked(blocker: Exclude<Blocker, { kind: 'nobody' }>): void {
    const { bind, ports } = this.#input;
    if (blocker.kind === 'wanted') {
      return this.#failed(
        `${bind} is taken by listener ${blocker.listener} of this node; choose another address, or move that one`,
      );
    }
    this.#again(backoffMs(this.#waitsCount++, LEAVING_BACKOFF, ports.random));
  }

  #failed(reason: string): void {
    const { keeper, listener, ports } = this.#input;
    if (this.#failuresCount === 0) ports.log.error({ listener, reason }, `listener ${listener} cannot open: ${reason}`);
    this.#again(backoffMs(this.#failuresCount++, OPEN_BACKOFF, ports.random));
    this.#tell({ type: 'failed', keeper, reason });
  }

  #again(delayMs: number): void {
    const { clock, feed } = this.#input.ports;
    this.#timer = clock.setTimeout(this.#open, delayMs);
    this.#unwatch = feed.ownSockets.whenChanged(this.#open);
  }
}

const NOBODY: Blocker = { kind: 'nobody' };
