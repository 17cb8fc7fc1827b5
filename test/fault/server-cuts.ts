/**
 * The scene of a cut between NATS servers: three servers whose routes can be cut, three nodes, members that beat on each server, and
 * requests at every node all the time.
 *
 *     member  member        member  member        member  member         each lives on its one server
 *        nats-1 ═══ cut ═══ nats-2 ═════════════ nats-3                   the cut server keeps all of its clients
 *     lb-1                lb-2                  lb-3                       wherever each is; it may go elsewhere
 *
 * What a member on the cut server says does not reach the others: its lease may end, by right. Nobody else's may.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LEASE_EXPIRED, type RecordedEvent } from '@muster/membership';
import { join } from '@muster/publisher';
import { startNamedEcho } from '../harness/backend.ts';
import { openClient } from '../harness/client.ts';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';
import { RouteWires } from '../harness/network/route-wires.ts';

const NODES = ['lb-1', 'lb-2', 'lb-3'];
const MEMBERS_PER_SERVER = 2;
const LEASE_MS = 9_000;
/** A full lease after the last cut, and the time that it takes to end one. */
const CONCLUDED_AFTER_MS = LEASE_MS + 4_000;
/** A request that is under way when its member is taken out, by right, is let finish. */
const POOL_LINES = 'health = { tcp = true, intervalMs = 500 }\nonRemoval = "drain"';
const REQUEST_INTERVAL_MS = 50;
/** An end that was on its way when the cut was healed. */
const ALLOWED_AFTER_MS = 2_000;
/** Until all nodes hear the leader again: a server that comes back may make the others elect once more. */
const HEALED_WITHIN_MS = 45_000;

export interface Cut {
  /** Index of the server. */
  readonly server: number;
  readonly durationMs: number;
  readonly heal: 'resume' | 'mend';
}

/** What became of a node on the server that was cut, in ms since the cut; null where it was over before. */
interface CutNode {
  readonly node: string;
  readonly saidSoMs: number | null;
  readonly elsewhereMs: number | null;
}

interface PastCut extends Cut {
  readonly fromMs: number;
  readonly toMs: number;
  readonly nodes: readonly CutNode[];
}

export interface Findings {
  readonly cuts: readonly PastCut[];
  /** Ends of leases of those that the others could hear, as `node lb-2 by lb-1`. */
  readonly wrongEnds: readonly string[];
  readonly endsCount: number;
  readonly failedRequests: readonly string[];
  readonly requestsCount: number;
}

export class ServerCuts implements AsyncDisposable {
  readonly cluster: TestCluster;
  readonly #wires: RouteWires;
  readonly #disposer: AsyncDisposableStack;
  readonly #serverByMember: ReadonlyMap<string, number>;
  readonly #cuts: PastCut[] = [];
  readonly #failedRequests: string[] = [];
  readonly #stopping = new AbortController();
  #requestsCount = 0;
  #loads: readonly Promise<void>[] = [];

  private constructor(
    cluster: TestCluster,
    parts: {
      readonly wires: RouteWires;
      readonly disposer: AsyncDisposableStack;
      readonly serverByMember: ReadonlyMap<string, number>;
    },
  ) {
    this.cluster = cluster;
    this.#wires = parts.wires;
    this.#disposer = parts.disposer;
    this.#serverByMember = parts.serverByMember;
  }

  static async start(): Promise<ServerCuts> {
    await using disposer = new AsyncDisposableStack();
    const wires = disposer.use(new RouteWires());
    const cluster = disposer.use(await TestCluster.start({ backends: 0, poolLines: POOL_LINES, reach: wires.reach }));
    await cluster.startNodes(NODES.length);
    const serverByMember = new Map<string, number>();
    for (const [server, url] of cluster.nats.urls.entries()) {
      for (let index = 0; index < MEMBERS_PER_SERVER; index++) {
        const id = `m-${server + 1}-${index + 1}`;
        const { target } = disposer.use(await startNamedEcho(id));
        disposer.use(await join({ servers: url, cluster: CLUSTER, pool: 'p', id, target, leaseMs: LEASE_MS }));
        serverByMember.set(id, server);
      }
    }
    const scene = new ServerCuts(cluster, { wires, disposer: disposer.move(), serverByMember });
    await scene.#settled();
    scene.#loads = cluster.nodes.map((node) => scene.#request(node));
    return scene;
  }

  /** Index of the server that a node is connected to, by the servers' word; null while it is to none. */
  async serverOf(node: string): Promise<number | null> {
    const found = await Promise.all(
      this.cluster.nats.servers.map(async ({ host, monitorPort }) => {
        const answer = await fetch(`http://${host}:${monitorPort}/connz`);
        const { connections } = (await answer.json()) as { connections: readonly { readonly name?: string }[] };
        return connections.some(({ name }) => name === `muster:${node}`);
      }),
    );
    const index = found.indexOf(true);
    return index === -1 ? null : index;
  }

  /** Index of the server that leads the stream. */
  async leader(): Promise<number> {
    return eventually('the stream has a leader', async () => {
      const { confirmation } = await this.cluster.nodes[0]!.status();
      const name = confirmation?.isFresh === true ? confirmation.place?.leader : undefined;
      return name === undefined ? null : Number(name.at(-1)) - 1;
    });
  }

  /** Cuts a server off, heals it, and waits until all nodes hear the leader again. */
  async cut(cut: Cut): Promise<void> {
    const { server, durationMs, heal } = cut;
    const places = await Promise.all(NODES.map((node) => this.serverOf(node)));
    const [fromMs, cutAtMs] = [Date.now(), performance.now()];
    this.#wires.cut(server);
    const onIt = NODES.filter((_, index) => places[index] === server);
    const nodes = await Promise.all(onIt.map((node) => this.#watch(node, { server, cutAtMs, durationMs })));
    await sleep(Math.max(0, durationMs - (performance.now() - cutAtMs)));
    this.#wires.heal(server, heal);
    this.#cuts.push({ ...cut, fromMs, toMs: Date.now(), nodes });
    await this.#settled();
  }

  /** Ends the requests, and reads what came of it all. */
  async findings(): Promise<Findings> {
    // By then every node has concluded what it will from the last cut.
    await sleep(CONCLUDED_AFTER_MS);
    this.#stopping.abort();
    await Promise.all(this.#loads);
    const { messages } = await this.cluster.stream();
    const ends = messages.filter(({ id }) => id.startsWith(LEASE_EXPIRED));
    return {
      cuts: this.#cuts,
      wrongEnds: ends.filter((end) => !this.#isAllowed(end)).map(({ subject, origin }) => `${subject} by ${origin}`),
      endsCount: ends.length,
      failedRequests: this.#failedRequests,
      requestsCount: this.#requestsCount,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loads);
    await this.#disposer[Symbol.asyncDispose]();
  }

  async #watch(
    id: string,
    { server, cutAtMs, durationMs }: { server: number; cutAtMs: number; durationMs: number },
  ): Promise<CutNode> {
    const node = this.cluster.nodesById.get(id)!;
    const passedMs = (): number => performance.now() - cutAtMs;
    let saidSoMs: number | null = null;
    let elsewhereMs: number | null = null;
    while (passedMs() < durationMs && (saidSoMs === null || elsewhereMs === null)) {
      const [{ confirmation }, place] = await Promise.all([node.status(), this.serverOf(id)]);
      if (confirmation?.isFresh === false) saidSoMs ??= passedMs();
      if (place !== null && place !== server) elsewhereMs ??= passedMs();
      await sleep(REQUEST_INTERVAL_MS);
    }
    return { node: id, saidSoMs, elsewhereMs };
  }

  async #settled(): Promise<void> {
    const isHeard = async (node: TestNode) => (await node.status()).confirmation?.isFresh === true;
    const what = 'all nodes hear the leader';
    await eventually(
      what,
      async () => (await Promise.all(this.cluster.nodes.map(isHeard))).every(Boolean),
      HEALED_WITHIN_MS,
    );
  }

  async #request(node: TestNode): Promise<void> {
    const address = await node.address('front');
    while (!this.#stopping.signal.aborted) {
      try {
        await using client = await openClient(address);
        if ((await client.greeting()) === 'closed') throw new Error('closed without a greeting');
        this.#requestsCount += 1;
      } catch (error) {
        this.#failedRequests.push(`${new Date().toISOString()} ${node.admin}: ${String(error)}`);
      }
      await sleep(REQUEST_INTERVAL_MS);
    }
  }

  /** Whether whose lease ended was on the cut server, for as long as a lease may be shorter by one heartbeat. */
  #isAllowed({ subject, timeMs }: RecordedEvent): boolean {
    const name = subject.split('.').at(-1)!;
    return this.#cuts.some(({ server, nodes, fromMs, toMs }) => {
      if (timeMs < fromMs || timeMs > toMs + ALLOWED_AFTER_MS) return false;
      return this.#serverByMember.get(name) === server || nodes.some(({ node }) => node === name);
    });
  }
}

/** One line a cut, for whoever reads the run. */
export function cutLines({ cuts }: Findings): string {
  const seconds = (ms: number | null): string => (ms === null ? '-' : `${(ms / 1_000).toFixed(1)} s`);
  const lines = cuts.map(({ server, durationMs, heal, nodes }) => {
    const told = nodes.map(
      ({ node, saidSoMs, elsewhereMs }) =>
        `${node} said so after ${seconds(saidSoMs)}, elsewhere after ${seconds(elsewhereMs)}`,
    );
    return `nats-${server + 1} cut for ${seconds(durationMs)}, ${heal}: ${told.join('; ')}\n`;
  });
  return lines.join('');
}
