/**
 * Every question that the admin API answers, as requests with parameters that fit the moment. The list of routes is the API's own
 * description: a route that is added and not asked here makes `unaskedRoutes` name it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../simulation/schedule/random.ts';

const FOLLOWED_MS = 1_500;

/** What a question may be about. */
export interface SoakWorld {
  readonly pools: readonly string[];
  /** POOL/BACKEND. */
  readonly backends: readonly string[];
}

type Ask = (random: Random, world: SoakWorld) => string;

const MOMENTS = ['now', '-1s', '-5s', '-20s', '-1m'] as const;
const at: Ask = (random) => random.pick(MOMENTS);
const pool: Ask = (random, world) => random.pick(world.pools);
const backend: Ask = (random, world) => {
  const [ofPool, name] = random.pick(world.backends).split('/');
  return `pool=${ofPool}&backend=${name}`;
};

const QUESTIONS: Readonly<Record<string, readonly Ask[]>> = {
  '/healthz': [() => ''],
  '/readyz': [() => ''],
  '/metrics': [() => ''],
  '/openapi.json': [() => ''],
  '/v1/status': [() => ''],
  '/v1/roster': [() => ''],
  '/v1/pools/{pool}': [(random, world) => `/${pool(random, world)}`],
  '/v1/events': [
    (random) => `?last=${random.pick([1, 3, 100, 5_000])}`,
    () => '?rejected=true&limit=20',
    (random, world) => `?last=2000&pool=${pool(random, world)}`,
    () => '?last=10&follow=true',
  ],
  '/v1/decisions': [() => '?limit=100&candidates=true', () => '?requestId=nobody'],
  '/v1/decisions/recording': [() => ''],
  '/v1/inspect': [() => '', () => '?follow=true', () => '?kind=backend&follow=true'],
  '/v1/replay': [(...about) => `?at=${at(...about)}`, (...about) => `?at=${at(...about)}&pool=${pool(...about)}`],
  '/v1/diff': [(...about) => `?from=-30s&to=${at(...about)}`],
  '/v1/explain/backend': [(...about) => `?${backend(...about)}&at=${at(...about)}`],
  '/v1/explain/request': [() => '?id=nobody'],
  '/v1/whatif': [
    (...about) => `?pool=${pool(...about)}&from=-1m&fall=${about[0].between(1, 9)}`,
    (...about) => `?pool=${pool(...about)}&from=-1m&policy=random`,
  ],
  '/v1/export': [() => '?from=-10s', () => '?from=-2m'],
};

export class SoakQuestions {
  /** Answers that are no answer: 500, or a 503 that does not say what is too many. */
  readonly failures: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly #admin: string;
  readonly #random: Random;
  readonly #world: SoakWorld;
  readonly #askers: Promise<void>[] = [];
  #isStopping = false;
  #asked = 0;

  constructor(admin: string, random: Random, world: SoakWorld) {
    this.#admin = admin;
    this.#random = random;
    this.#world = world;
  }

  /** GET routes of the API's description that nobody asks here. */
  async unaskedRoutes(): Promise<string[]> {
    const { paths } = (await (await fetch(`${this.#admin}/openapi.json`)).json()) as { paths: Record<string, object> };
    const readable = Object.keys(paths).filter((path) => 'get' in paths[path]!);
    return readable.filter((path) => !(path in QUESTIONS));
  }

  /** Each question once, so that the code that answers it is loaded. */
  async warmUp(): Promise<void> {
    for (const [path, asks] of Object.entries(QUESTIONS)) for (const ask of asks) await this.#ask(path, ask);
  }

  start(readers: number): void {
    for (let count = 0; count < readers; count++) this.#askers.push(this.#repeat());
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#askers);
  }

  async #repeat(): Promise<void> {
    const paths = Object.keys(QUESTIONS);
    while (!this.#isStopping) {
      const path = paths[this.#asked++ % paths.length]!;
      await this.#ask(path, this.#random.pick(QUESTIONS[path]!));
      await sleep(this.#random.between(1, 40));
    }
  }

  async #ask(path: string, ask: Ask): Promise<void> {
    const query = ask(this.#random, this.#world);
    const url = this.#admin + path.replace('/{pool}', '') + query;
    const gone = new AbortController();
    const isFollowing = query.includes('follow');
    const timer = isFollowing ? setTimeout(() => gone.abort(), FOLLOWED_MS) : undefined;
    try {
      const response = await fetch(url, { signal: gone.signal });
      // Every other follower does not read: its connection fills, and the node must not mind.
      if (isFollowing && this.#random.chance(0.5)) await sleep(FOLLOWED_MS);
      else await response.arrayBuffer();
      this.#count(path, response.status, url);
      if (isFollowing) gone.abort();
    } catch (error) {
      if (!gone.signal.aborted) this.failures.push(`${url}: ${String(error)} ${String((error as Error).cause)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  #count(path: string, status: number, url: string): void {
    const name = `${path} ${status}`;
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    if (status === 500) this.failures.push(`${url}: ${status}`);
  }
}
