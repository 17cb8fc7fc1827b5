/**
 * Requests under churn: the real data plane of one worker, on a network in memory, while backends join, leave, drain, move, fail
 * their health checks, are ejected and come back, pools change their policy and nodes start and stop. All of it is appended to a real
 * journal and folded from it, by the worker a little later than it happened; what this node saw itself counts at once, as a pending
 * fact, and is recorded a while after.
 *
 * It keeps the worker's decisions, and knows nothing of how they are explained.
 */
import { createMemoryJournal } from '@muster/journal';
import {
  addPendingFact,
  emptyRoster,
  foldBatch,
  listenerSpecSchema,
  settlePendingFact,
  type MembershipEventInput,
  type PendingFact,
  type PendingFacts,
  type PoolSpec,
  type RecordedEvent,
  type Roster,
} from '@muster/membership';
import { DataPlane, loadFilters, type FilterChain } from '@muster/proxy';
import type { Decision } from '@muster/selection';
import { fileURLToPath } from 'node:url';
import { Chance } from './chance.ts';
import { ChurningNetwork } from './churning-network.ts';

export const NODE = 'n-1';
const CLUSTER = 'churn';
const OTHER_NODES = ['n-2', 'n-3'];
const DECISIONS_KEPT = 16_384;
const PENDING_FACTS_MAX = 12;

/** How many backends a pool has about, by its id; one has more than a decision lists. */
const SIZES: Readonly<Record<string, number>> = { 'p-0': 10, 'p-1': 12, 'p-2': 90, 'p-3': 16, 'p-4': 2 };
const POOLS = Object.keys(SIZES);
const POLICIES: readonly PoolSpec['policy'][] = ['round_robin', 'least_requests', 'random', 'consistent_hash'];

type Published = Extract<MembershipEventInput, { type: string }>;

export class ChurnScene implements AsyncDisposable {
  nowMs = 1_800_000_000_000;
  readonly journal = createMemoryJournal({ now: () => this.nowMs });
  readonly cluster = CLUSTER;
  readonly #chance: Chance;
  readonly #network: ChurningNetwork;
  readonly #plane: DataPlane;
  readonly #pending: PendingFacts = new Map();
  readonly #facts: PendingFact[] = [];
  #roster: Roster = emptyRoster(CLUSTER);
  #foldedRevision = 0;
  #filters: FilterChain | null = null;
  #exchangesCount = 0;
  #serial = 0;

  private constructor(seed: number) {
    this.#chance = new Chance(seed);
    this.#network = new ChurningNetwork(this.#chance);
    this.#plane = new DataPlane({
      transport: this.#network,
      decisionsKept: DECISIONS_KEPT,
      // A worker's clock is never quite the journal's.
      wallMs: () => this.nowMs + 3,
      filtersOf: () => this.#filters,
      onExchange: () => void this.#exchangesCount++,
    });
  }

  static async open(seed: number): Promise<ChurnScene> {
    const scene = new ChurnScene(seed);
    const folder = fileURLToPath(new URL('.', import.meta.url));
    const loaded = await loadFilters(['./halving-filter.ts'], { folder, onLoggingFailure: () => undefined });
    if (!loaded.ok) throw new Error(loaded.reason);
    scene.#filters = loaded.filters;
    for (const [index, pool] of POOLS.entries())
      await scene.#publish(`pool.${pool}`, scene.#poolDefined(POLICIES[index % POLICIES.length]));
    for (const node of [NODE, ...OTHER_NODES]) await scene.#publish(`node.${node}`, { type: 'NodeStarted' });
    for (const pool of POOLS) for (let count = 0; count < SIZES[pool]!; count++) await scene.#join(pool);
    await scene.#fold();
    const routes = POOLS.map((pool) => ({ path: `/${pool}`, pool }));
    const filters = ['./halving-filter.ts'];
    const spec = listenerSpecSchema.parse({ bind: '127.0.0.1:0', protocol: 'http', routes, filters, accessLog: 'off' });
    const opened = await scene.#plane.openListener('web', spec, {});
    if (!opened.ok) throw new Error(opened.reason);
    return scene;
  }

  /** Goes on until so many requests are over; at most 16,384. Their decisions, as a worker hands them over. */
  async run(requestsCount: number): Promise<Decision[]> {
    while (this.#exchangesCount < requestsCount) await this.#step();
    this.#network.finish();
    return this.#plane.decisions({ requestId: null, limit: requestsCount, withCandidates: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#plane[Symbol.asyncDispose]();
    await this.journal.close();
  }

  async #step(): Promise<void> {
    const drawn = this.#chance.next();
    this.nowMs += this.#chance.below(400);
    if (drawn < 0.62) this.#ask();
    else if (drawn < 0.78) this.#network.serve(1 + this.#chance.below(12));
    else if (drawn < 0.8) this.#network.breakOff();
    else if (drawn < 0.86) await this.#churn();
    else if (drawn < 0.9) this.#see();
    else if (drawn < 0.93) await this.#record();
    else if (drawn < 0.96) this.#settle();
    else await this.#fold();
  }

  #ask(): void {
    for (let count = this.#chance.below(4); count >= 0; count--) {
      const half = this.#chance.isWithin(0.1) ? 'X-Half: 1\r\n' : '';
      const path = `/${this.#chance.one(POOLS)}/${this.#chance.below(40)}`;
      this.#network.ask(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${half}\r\n`);
    }
  }

  async #churn(): Promise<void> {
    const chance = this.#chance;
    const pool = chance.one(POOLS)!;
    const backends = [...(this.#roster.pools.get(pool)?.backends.values() ?? [])];
    const backend = chance.one(backends);
    const drawn = chance.next();
    if (backend === undefined || drawn < (backends.length < SIZES[pool]! ? 0.35 : 0.05)) return this.#join(pool);
    const subject = `backend.${pool}.${backend.id}`;
    if (drawn < 0.45) return this.#publish(subject, { type: 'BackendDeregistered' });
    if (drawn < 0.5) return this.#publish(`pool.${pool}`, this.#poolDefined(chance.one(POLICIES)));
    if (drawn < 0.53) return this.#nodeChanges();
    if (drawn < 0.63) {
      const mode = chance.one(['ready', 'ready', 'drain', 'maint'] as const)!;
      return this.#publish(subject, { type: 'BackendModeSet', mode });
    }
    const target = backend.target.value;
    if (drawn < 0.7) {
      const moved = chance.isWithin(0.5) ? this.#newTarget() : target;
      return this.#publish(subject, { type: 'BackendRegistered', target: moved, weight: this.#weight() });
    }
    const node = chance.one([NODE, ...OTHER_NODES])!;
    const seen = { type: this.#healthType(), target, reason: 'seen' } as Published;
    return this.#publish(`health.${node}.${pool}.${backend.id}`, seen);
  }

  async #join(pool: string): Promise<void> {
    const id = `b-${++this.#serial}`;
    const target = this.#newTarget();
    await this.#publish(`backend.${pool}.${id}`, { type: 'BackendRegistered', target, weight: this.#weight() });
    for (const node of [NODE, ...OTHER_NODES]) {
      if (!this.#chance.isWithin(0.9)) continue;
      const seen: Published = { type: 'BackendTurnedHealthy', target, reason: 'seen' };
      await this.#publish(`health.${node}.${pool}.${id}`, seen);
    }
  }

  #nodeChanges(): Promise<void> {
    const type = this.#chance.isWithin(0.6) ? 'NodeStarted' : 'NodeStopped';
    return this.#publish(`node.${this.#chance.one(OTHER_NODES)}`, { type });
  }

  /** This node sees something of a backend: it counts at once. */
  #see(): void {
    const pool = this.#chance.one(POOLS)!;
    const backend = this.#chance.one([...this.#roster.pools.get(pool)!.backends.values()]);
    if (backend === undefined || this.#facts.length >= PENDING_FACTS_MAX) return;
    const event = { type: this.#healthType(), target: backend.target.value, reason: 'seen' } as PendingFact['event'];
    const fact = { id: `fact-${++this.#serial}`, pool, backend: backend.id, timeMs: this.nowMs, event };
    this.#facts.push(fact);
    addPendingFact(this.#pending, fact);
    this.#show([pool]);
  }

  /** The journal takes the oldest of these facts; the worker hears later that it has. */
  async #record(): Promise<void> {
    const [fact] = this.#facts;
    if (fact !== undefined) await this.#publish(`health.${NODE}.${fact.pool}.${fact.backend}`, fact.event, fact.id);
  }

  #settle(): void {
    const fact = this.#facts.shift();
    if (fact === undefined) return;
    settlePendingFact(this.#pending, fact);
    this.#show([fact.pool]);
  }

  /** The worker hears of what was appended since the last time. */
  async #fold(): Promise<void> {
    const events: RecordedEvent[] = [];
    for await (const event of this.journal.read({ fromRevision: this.#foldedRevision + 1 })) events.push(event);
    this.#foldedRevision += events.length;
    this.#roster = foldBatch(this.#roster, events).roster;
    this.#show([]);
  }

  #show(pendingPools: readonly string[]): void {
    this.#plane.update({ roster: this.#roster, node: NODE, pending: this.#pending }, pendingPools);
  }

  async #publish(subject: string, event: Published, id = `event-${++this.#serial}`): Promise<void> {
    const payload = JSON.stringify(event);
    const outcome = await this.journal.append({ id, subject: `muster.${CLUSTER}.${subject}`, origin: null, payload });
    if (outcome.outcome !== 'appended') throw new Error(`the journal answered ${outcome.outcome}`);
  }

  #poolDefined(policy: PoolSpec['policy'] = 'round_robin'): Published {
    const chance = this.#chance;
    return {
      type: 'PoolDefined',
      policy,
      hashKey: policy === 'consistent_hash' ? 'path' : undefined,
      connectAttempts: 3,
      retryBudgetRatio: 1,
      waitTimeoutMs: 60_000,
      ejection: false,
      ...(chance.isWithin(0.8) && { health: { tcp: true } }),
      ...(chance.isWithin(0.3) && { healthView: 'quorum' }),
      ...(chance.isWithin(0.4) && { slowStartMs: 60_000 }),
      ...(chance.isWithin(0.4) && { maxConnectionsPerBackend: 2 }),
      ...(chance.isWithin(0.5) && { panicThreshold: chance.one([0.8, 1])! }),
    };
  }

  #healthType(): PendingFact['event']['type'] {
    const types = ['BackendTurnedHealthy', 'BackendTurnedUnhealthy', 'BackendEjected', 'BackendReinstated'] as const;
    return this.#chance.one([...types, 'BackendTurnedHealthy', 'BackendReinstated'])!;
  }

  #weight(): number {
    return this.#chance.isWithin(0.7) ? 1 : 1 + this.#chance.below(5);
  }

  #newTarget(): string {
    const serial = ++this.#serial;
    return `10.0.${serial >> 8}.${serial & 255}:80`;
  }
}
