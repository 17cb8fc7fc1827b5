/**
 * What a node has reached, for those who wait for it: that it serves, that it has caught up, that its workers serve, that it
 * has stopped. Whoever waits for something that a stop has put out of reach is told so.
 */
import type { FoldedRoster } from './folded-roster.ts';
import type { NodeActors } from './node-actors.ts';
import type { WorkerFeed } from './workers/worker-feed.ts';

export interface ReadinessPorts {
  readonly workers: number;
  readonly folded: FoldedRoster;
  readonly feed: WorkerFeed;
  readonly actors: NodeActors;
}

export class Readiness {
  readonly serving = Promise.withResolvers<void>();
  readonly caughtUp = Promise.withResolvers<void>();
  readonly nameHeld = Promise.withResolvers<void>();
  readonly stopped = Promise.withResolvers<void>();
  readonly #ports: ReadinessPorts;
  /** Never resolves: rejects when the node has stopped. */
  readonly #ended = Promise.withResolvers<never>();

  constructor(ports: ReadinessPorts) {
    this.#ports = ports;
    // Nobody has to wait for these.
    for (const { promise } of [this.serving, this.caughtUp, this.nameHeld, this.#ended]) promise.catch(() => undefined);
  }

  /** What `NodeHandle.ready` promises. */
  ready(): Promise<void> {
    return Promise.race([this.#whenReady(), this.#ended.promise]);
  }

  hasStopped(): void {
    this.serving.reject(new Error('the node was stopped before it served'));
    this.caughtUp.reject(new Error('the node was stopped before it had caught up'));
    this.nameHeld.reject(new Error('the node was stopped before it was the node of its name'));
    this.#ended.reject(new Error('the node was stopped before it was ready'));
    this.stopped.resolve();
  }

  async #whenReady(): Promise<void> {
    const { folded, actors } = this.#ports;
    await this.serving.promise;
    const { revision } = folded.roster;
    await actors.reconcile();
    await this.#whenWorkersServe(revision);
  }

  /** Every worker has the roster, and every listener has opened or failed. */
  #whenWorkersServe(revision: number): Promise<void> {
    const { workers, folded, feed, actors } = this.#ports;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (actors.hasOpeningListener()) return;
      // Another history that was adopted meanwhile may be shorter.
      const revisionMin = Math.min(revision, folded.roster.revision);
      for (let index = 0; index < workers; index++) if (!feed.link(index)?.isInSync(revisionMin)) return;
      unwatch();
      resolve();
    };
    const unwatch = feed.watch(check);
    check();
    return promise;
  }
}
