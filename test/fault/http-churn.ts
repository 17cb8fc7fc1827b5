/**
 * The test of backends that come and go under HTTP load: for how long is the caller's. Twenty times a second a backend is added, and a
 * while later one is drained, and removed once the drain has left it without a connection. No request fails, none arrives where
 * nothing should, and nothing grows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandInput } from '@muster/membership';
import { expect, test } from 'vitest';
import { footprint } from '../harness/processes/footprint.ts';
import { startHttpBackend, startNamedHttp, type HttpBackend } from '../harness/http/http-backend.ts';
import { startHttpLoad } from '../harness/http/http-load.ts';
import { oneHttpPool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const LIVES_PER_SECOND = 20;
const LIFE_MS = 300;
/** A backend's place is taken by another one after its life; so many are enough for each to rest in between. */
const PLACES = 60;
const CLIENTS = 16;
/** What was sent before the removal may be read by the backend, which is this process, a little later. */
const GRACE_MS = 250;
const POLL_MS = 25;
/** Connections are opened and closed all the time. */
const DESCRIPTORS_MORE_MAX = 2 * CLIENTS;

/** Where one backend after another lives: each under an id of its own, at the same address. */
class Place {
  readonly backend: HttpBackend;
  /** performance.now() when every worker had taken note of the removal; null while somebody lives here. */
  #removedMs: number | null = null;
  lateCount = 0;

  private constructor(backend: HttpBackend) {
    this.backend = backend;
  }

  static async open(): Promise<Place> {
    const backend = await startHttpBackend((request, response) => {
      place.#arrived();
      request.resume().on('end', () => response.setHeader('X-Backend', 'passing').end('passing\n'));
    });
    const place = new Place(backend);
    return place;
  }

  taken(): void {
    this.#removedMs = null;
  }

  removed(): void {
    this.#removedMs = performance.now();
  }

  #arrived(): void {
    if (this.#removedMs !== null && performance.now() > this.#removedMs + GRACE_MS) this.lateCount++;
  }
}

/** What every worker of a node has folded, asked for by many and looked up once. */
class Folding {
  readonly #node: TestNode;
  #revision = 0;
  #isOver = false;
  readonly #looking: Promise<void>;

  constructor(node: TestNode) {
    this.#node = node;
    this.#looking = this.#look();
  }

  async reached(revision: number): Promise<void> {
    await eventually(`revision ${revision} on every worker`, () => this.#revision >= revision);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      const { workers } = await this.#node.status();
      this.#revision = Math.min(...workers.map(({ revision }) => revision));
      await sleep(POLL_MS);
    }
  }
}

class Churn {
  readonly #node: TestNode;
  readonly #places: readonly Place[];
  readonly #folding: Folding;
  #livesCount = 0;

  constructor(node: TestNode, places: readonly Place[], folding: Folding) {
    this.#node = node;
    this.#places = places;
    this.#folding = folding;
  }

  /** So many lives, begun at an even pace; resolves when the last is over. */
  async run(count: number): Promise<void> {
    const beganMs = performance.now();
    const lives: Promise<void>[] = [];
    for (let life = 0; life < count; life++) {
      const waitMs = beganMs + (life * 1_000) / LIVES_PER_SECOND - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      lives.push(this.#live(this.#livesCount++));
    }
    await Promise.all(lives);
  }

  async #live(number: number): Promise<void> {
    const place = this.#places[number % PLACES]!;
    const { target } = place.backend;
    const backend = `passing-${number}`;
    place.taken();
    await this.#append({ type: 'RegisterBackend', pool: 'p', backend, target });
    await sleep(LIFE_MS);
    await this.#append({ type: 'SetBackendMode', pool: 'p', backend, mode: 'drain' });
    await eventually(`${backend} is drained`, () => place.backend.openCount() === 0);
    await this.#append({ type: 'DeregisterBackend', pool: 'p', backend });
    place.removed();
  }

  async #append(command: CommandInput): Promise<void> {
    const outcome = await this.#node.command(command);
    if (outcome.outcome !== 'appended') throw new Error(`${JSON.stringify(command)}: ${JSON.stringify(outcome)}`);
    await this.#folding.reached(outcome.revision);
  }
}

/** Registers the test; the churn lasts `durationMs`. */
export function testHttpChurn(durationMs: number): void {
  const lives = (durationMs / 1_000) * LIVES_PER_SECOND;
  test(`backends added, drained and removed ${LIVES_PER_SECOND} times a second for ${durationMs / 1_000} s`, async () => {
    await using disposer = new AsyncDisposableStack();
    const folder = disposer.use(await testFolder());
    const steady = [disposer.use(await startNamedHttp('steady')), disposer.use(await startNamedHttp('steady'))];
    const places = await Promise.all(Array.from({ length: PLACES }, () => Place.open()));
    for (const { backend } of places) disposer.use(backend);
    const config = oneHttpPool(steady.map(({ target }) => target));
    const node = disposer.use(await startTestNode({ folder, workers: 2, config }));
    const load = startHttpLoad(await node.address('front'), { clients: CLIENTS });
    const folding = new Folding(node);
    const churn = new Churn(node, places, folding);

    // The first third warms up: heaps reach their size, the ring of recent events fills.
    await churn.run(Math.ceil(lives / 3));
    const pids = [node.process.pid, ...(await node.workerPids())];
    const before = pids.map(footprint);
    await churn.run(Math.floor((2 * lives) / 3));
    await load.stop();
    await folding.stop();
    const after = pids.map(footprint);
    const requests = { steady: load.answersByBackend.get('steady'), passing: load.answersByBackend.get('passing') };
    process.stdout.write(`${JSON.stringify({ lives, requests, before, after })}\n`);

    expect(load.failures).toEqual([]);
    expect(requests.passing).toBeGreaterThan(lives);
    expect(places.reduce((sum, { lateCount }) => sum + lateCount, 0)).toBe(0);
    const status = await node.status();
    expect(status.revision).toBeGreaterThanOrEqual(3 * lives);
    expect(status.workers.map(({ hash }) => hash)).toEqual([status.hash, status.hash]);
    expect(status.workers.map(({ restartsCount }) => restartsCount)).toEqual([0, 0]);
    for (const [index, { residentBytes, descriptorsCount }] of after.entries()) {
      expect(residentBytes / before[index]!.residentBytes).toBeLessThan(1.5);
      expect(descriptorsCount - before[index]!.descriptorsCount).toBeLessThan(DESCRIPTORS_MORE_MAX);
    }
  });
}
