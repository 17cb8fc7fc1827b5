/**
 * The routes between NATS servers, each through a wire of its own, so that a test can cut one server from the others while all keep
 * their clients.
 */
import { startWire, type Wire } from './wire.ts';

interface Route {
  readonly from: number;
  readonly to: number;
  readonly wire: Wire;
}

export class RouteWires implements AsyncDisposable {
  readonly #routes: Route[] = [];

  /** For `startNatsCluster`. */
  readonly reach = async (from: number, to: number, port: number): Promise<Wire> => {
    const wire = await startWire({ host: '127.0.0.1', port });
    this.#routes.push({ from, to, wire });
    return wire;
  };

  /** From now on nothing passes between the server at an index and the others, and nobody is told. */
  cut(server: number): void {
    for (const { wire } of this.#of(server)) wire.cut();
  }

  /** `resume`: what was sent meanwhile arrives, too. `mend`: connections that were cut are reset. */
  heal(server: number, how: 'resume' | 'mend'): void {
    for (const { wire } of this.#of(server)) wire[how]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#routes.map(({ wire }) => wire[Symbol.asyncDispose]()));
  }

  #of(server: number): Route[] {
    return this.#routes.filter(({ from, to }) => from === server || to === server);
  }
}
