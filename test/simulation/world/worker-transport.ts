/** The transport of one simulated worker: accepts what clients open on its listening sockets, dials simulated targets. */
import type { Transport } from '@muster/transport';
import type { ProcessClock } from './process-clock.ts';
import { SimulatedLeg } from './simulated-leg.ts';
import type { BackendConnection, SimulatedTargets } from './targets.ts';

type AcceptCallbacks = Parameters<Transport['listen']>[1];
type Address = Parameters<Transport['dial']>[0];
type DialOwner = Parameters<Transport['dial']>[1];

/** A dial that is under way, or the connection that became of it. */
export interface Upstream {
  readonly target: string;
  /** Null while it is dialled. */
  connection: BackendConnection | null;
  isOver(): boolean;
}

export interface WorkerTransportOptions {
  readonly targets: SimulatedTargets;
  /** The worker's own. */
  readonly clock: ProcessClock;
  /** Whether the machine can reach a target now. */
  readonly isReachable: (target: string) => boolean;
}

export class WorkerTransport implements Transport {
  readonly name = 'socket';
  readonly #options: WorkerTransportOptions;
  readonly #acceptorsByBind = new Map<string, AcceptCallbacks>();
  #upstreams: Upstream[] = [];

  constructor(options: WorkerTransportOptions) {
    this.#options = options;
  }

  listen(handle: object, callbacks: AcceptCallbacks): ReturnType<Transport['listen']> {
    const { boundAddress } = handle as { boundAddress: string };
    this.#acceptorsByBind.set(boundAddress, callbacks);
    const close = (): void => {
      if (this.#acceptorsByBind.get(boundAddress) === callbacks) this.#acceptorsByBind.delete(boundAddress);
    };
    const finish = (onClosed: () => void): void => {
      close();
      onClosed();
    };
    return Promise.resolve({ ok: true, acceptor: { close, finish } });
  }

  /** The addresses that this worker accepts on. */
  get binds(): readonly string[] {
    return [...this.#acceptorsByBind.keys()];
  }

  /** A client connects; null where nobody accepts. */
  accept(bind: string): SimulatedLeg | null {
    const acceptor = this.#acceptorsByBind.get(bind);
    if (acceptor === undefined) return null;
    const leg = new SimulatedLeg();
    acceptor.onAccepted(leg);
    return leg;
  }

  dial(address: Address, owner: DialOwner): ReturnType<Transport['dial']> {
    const { targets, clock, isReachable } = this.#options;
    const target = targets.at(textOf(address));
    let isGivenUp = false;
    let isDone = false;
    let connection: BackendConnection | null = null;
    const upstream: Upstream = {
      target: target.address,
      connection: null,
      isOver: () => isGivenUp || (isDone && (connection === null || connection.leg.isClosed)),
    };
    this.#upstreams.push(upstream);
    const conclude = (): void => {
      if (isGivenUp) return;
      if (target.state === 'silent' || !isReachable(target.address)) return;
      isDone = true;
      if (target.state === 'refusing') return owner.onConnectFailed('ECONNREFUSED');
      const leg = this.makeLeg();
      upstream.connection = connection = targets.connect(target, leg);
      owner.onConnected(leg);
    };
    if (target.dialMs === 0) setImmediate(conclude);
    else clock.setTimeout(conclude, target.dialMs);
    return { close: () => void (isGivenUp = true) };
  }

  /** Dials and connections to backends that are not over. */
  upstreams(): readonly Upstream[] {
    this.#upstreams = this.#upstreams.filter((upstream) => !upstream.isOver());
    return this.#upstreams;
  }

  protected makeLeg(): SimulatedLeg {
    return new SimulatedLeg();
  }
}

function textOf(address: Address): string {
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
}
