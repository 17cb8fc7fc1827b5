/**
 * Several nodes for tests: one journal, one live wire, one clock, and a world of its own for each node; and members that
 * register themselves and send heartbeats. Everything in virtual time.
 */
import { createMemoryJournal } from '@muster/journal';
import {
  heartbeatSubject,
  rosterHash,
  type HeartbeatAnswer,
  type MembershipEventInput,
  type RecordedEvent,
} from '@muster/membership';
import type { NodeHandle, NodeOptions } from '../src/node-handle.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedWire, type WireEnd } from './simulated-wire.ts';
import { SimulatedWorld } from './simulated-world.ts';

export interface SimulatedNode {
  readonly world: SimulatedWorld;
  readonly end: WireEnd;
  readonly handle: NodeHandle;
}

interface MemberOptions {
  readonly backend: string;
  readonly target: string;
  /** Default 10,000. */
  readonly leaseMs?: number;
  /** Default a third of the lease. */
  readonly heartbeatIntervalMs?: number;
}

export class SimulatedCluster implements AsyncDisposable {
  readonly clock = new SimulatedClock();
  readonly wire = new SimulatedWire(this.clock);
  readonly journal = createMemoryJournal({ epoch: 'epoch-1', now: () => this.clock.now() });
  readonly nodes = new Map<string, SimulatedNode>();
  readonly #members: SimulatedMember[] = [];
  #eventsCount = 0;

  /** A cluster with pool `p` and these nodes, which have heard each other. */
  static async of(...names: readonly string[]): Promise<SimulatedCluster> {
    const cluster = new SimulatedCluster();
    await cluster.publish('pool.p', { type: 'PoolDefined' });
    for (const name of names) await cluster.start(name);
    await cluster.clock.advance(2_000);
    return cluster;
  }

  /** `key`: what the test calls the process, where another one goes by the node's name already. */
  async start(node: string, options: Partial<NodeOptions> = {}, key = node): Promise<SimulatedNode> {
    const world = new SimulatedWorld(this.journal, this.clock);
    const end = this.wire.end();
    const handle = await world.start({ node, live: end, ...options });
    const started = { world, end, handle };
    this.nodes.set(key, started);
    return started;
  }

  node(name: string): SimulatedNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }

  /** A member of pool `p` that has registered itself and sends heartbeats. */
  async join(options: MemberOptions): Promise<SimulatedMember> {
    const member = new SimulatedMember(this, options);
    this.#members.push(member);
    await member.register();
    member.speak();
    await this.clock.advance(0);
    return member;
  }

  async publish(entity: string, event: MembershipEventInput | object): Promise<void> {
    this.#eventsCount += 1;
    const outcome = await this.journal.append({
      id: `published-${this.#eventsCount}`,
      subject: `muster.demo.${entity}`,
      origin: 'test',
      payload: JSON.stringify(event),
    });
    if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
    await this.clock.settle();
  }

  /** What is in the journal of one type. */
  async events(type: MembershipEventInput['type']): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const event of this.journal.read()) {
      if ((JSON.parse(event.payload) as { type?: string }).type === type) events.push(event);
    }
    return events;
  }

  /** The nodes' hashes, one for each that differs. */
  hashes(): string[] {
    return [...new Set([...this.nodes.values()].map(({ handle }) => rosterHash(handle.roster())))];
  }

  backends(name: string): string[] {
    return [...this.node(name).handle.roster().pools.get('p')!.backends.keys()];
  }

  async stop(name: string): Promise<void> {
    await this.node(name).world.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members) member.fallSilent();
    for (const { world, end } of this.nodes.values()) {
      end.mend();
      if (world.node.status().state !== 'stopped') await world.stop();
    }
    await this.clock.advance(this.wire.delayMs);
    for (const { world, end } of this.nodes.values()) {
      await world[Symbol.asyncDispose]();
      if (end.listenersCount > 0) throw new Error('left over: somebody listens on the wire');
    }
  }
}

export class SimulatedMember {
  readonly answers: HeartbeatAnswer[] = [];
  readonly end: WireEnd;
  readonly #cluster: SimulatedCluster;
  readonly #options: Required<MemberOptions>;
  #timer: unknown = null;

  constructor(cluster: SimulatedCluster, options: MemberOptions) {
    const { leaseMs = 10_000, heartbeatIntervalMs = leaseMs / 3 } = options;
    this.#cluster = cluster;
    this.#options = { ...options, leaseMs, heartbeatIntervalMs };
    this.end = cluster.wire.end();
  }

  register(): Promise<void> {
    const { backend, target, leaseMs } = this.#options;
    return this.#cluster.publish(`backend.p.${backend}`, { type: 'BackendRegistered', target, leaseMs });
  }

  /** Sends a heartbeat now, and then regularly. */
  speak(): void {
    const { backend, target, heartbeatIntervalMs } = this.#options;
    const subject = heartbeatSubject('demo', { pool: 'p', backend });
    this.end.ask(subject, JSON.stringify({ target }), (text) => this.answers.push(JSON.parse(text) as HeartbeatAnswer));
    this.#timer = this.#cluster.clock.setTimeout(() => this.speak(), heartbeatIntervalMs);
  }

  fallSilent(): void {
    this.#cluster.clock.clearTimeout(this.#timer);
  }
}
