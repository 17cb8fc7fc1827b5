/**
 * Several nodes on NATS, all of them real processes: what the tests of many nodes start from.
 *
 *     NATS: three servers, R3, the newest that can be had; or one alone
 *     nodes: lb-1, lb-2, … each with its own folder, listener port and admin port, all with the same pool "p"
 *
 * The backends are echo servers in the test's own process. Nodes may reach NATS through `wire.ts`, one wire a node.
 */
import assert from 'node:assert/strict';
import type { NodeStatus } from '@muster/actors';
import { openJetStreamJournal } from '@muster/journal-jetstream';
import { emptyRoster, fold, rosterHash, type RecordedEvent, type Rejection } from '@muster/membership';
import { openNatsLink } from '@muster/nats';
import {
  newestNatsServer,
  startNatsCluster,
  startNatsServer,
  type NatsCluster,
  type NatsClusterOptions,
  type NatsServerOptions,
} from '@muster/nats-server';
import { startNamedEcho, type TestBackend } from './backend.ts';
import { EventWriter } from './event-writer.ts';
import { onePool, startTestNode, testFolder, type NodeOptions, type TestFolder, type TestNode } from './node.ts';
import { eventually } from './processes/process.ts';

export const CLUSTER = 'test';
const STREAM_READ_TIMEOUT_MS = 30_000;

export interface TestClusterOptions {
  /** Backends of the pool "p". Default 2. */
  readonly backends?: number;
  /** Lines of the pool's table, for example its health check. Default: a TCP check every 500 ms. */
  readonly poolLines?: string;
  /** Three with as many copies of the stream, or one alone. Default 3. */
  readonly servers?: 1 | 3;
  /** Further lines of every NATS server's config. */
  readonly natsLines?: string;
  /** How the three reach each other. Default: straight. */
  readonly reach?: NatsClusterOptions['reach'];
}

/** The stream as it is, and what folding it from its first event gives. */
export interface WholeStream {
  readonly messages: readonly RecordedEvent[];
  readonly hash: string;
  readonly epoch: string;
  readonly rejections: readonly Rejection[];
}

export class TestCluster implements AsyncDisposable {
  readonly nats: NatsCluster;
  readonly backends: readonly TestBackend[];
  /** Publishes straight to NATS and remembers what was acknowledged. */
  readonly writer: EventWriter;
  readonly nodesById = new Map<string, TestNode>();
  readonly folder: TestFolder;
  readonly #disposer: AsyncDisposableStack;
  readonly #poolLines: string;

  private constructor(parts: {
    readonly nats: NatsCluster;
    readonly backends: readonly TestBackend[];
    readonly writer: EventWriter;
    readonly folder: TestFolder;
    readonly poolLines: string;
    readonly disposer: AsyncDisposableStack;
  }) {
    this.nats = parts.nats;
    this.backends = parts.backends;
    this.writer = parts.writer;
    this.folder = parts.folder;
    this.#poolLines = parts.poolLines;
    this.#disposer = parts.disposer;
  }

  /** Starts NATS and the backends; nodes are started by the test. Null, with a line, where there is no server that can R3. */
  static async start({
    backends = 2,
    poolLines = 'health = { tcp = true, intervalMs = 500 }',
    servers = 3,
    natsLines = '',
    reach,
  }: TestClusterOptions = {}): Promise<TestCluster> {
    const program = await newestNatsServer();
    if ('unavailable' in program) throw new Error(program.unavailable);
    await using disposer = new AsyncDisposableStack();
    const folder = disposer.use(await testFolder());
    const natsOptions = { program, folder: folder.path, configLines: natsLines };
    const nats = disposer.use(
      await (servers === 1 ? startAlone(natsOptions) : startNatsCluster({ ...natsOptions, ...(reach && { reach }) })),
    );
    const names = Array.from({ length: backends }, (_, index) => `b-${index + 1}`);
    const echoes = await Promise.all(names.map((name) => startNamedEcho(name)));
    for (const echo of echoes) disposer.use(echo);
    const writer = disposer.use(await EventWriter.open(nats.urls, CLUSTER));
    return new TestCluster({ nats, backends: echoes, writer, folder, poolLines, disposer: disposer.move() });
  }

  get nodes(): readonly TestNode[] {
    return [...this.nodesById.values()];
  }

  /** Starts a node, or one again under the same name with what it left on disk, and waits until it serves. */
  async startNode(id: string, options: Partial<NodeOptions> & { servers?: readonly string[] } = {}): Promise<TestNode> {
    const { servers = this.nats.urls, ...others } = options;
    const config = onePool(
      this.backends.map(({ target }) => target),
      { poolLines: this.#poolLines },
    );
    const journal = { servers, cluster: CLUSTER, replicas: this.nats.urls.length };
    const newCluster = this.nodesById.size === 0;
    const node = await startTestNode({ folder: this.folder, id, config, journal, newCluster, ...others });
    this.nodesById.set(id, node);
    return node;
  }

  async startNodes(count: number): Promise<TestNode[]> {
    const nodes: TestNode[] = [];
    for (let index = 1; index <= count; index++) nodes.push(await this.startNode(`lb-${index}`));
    return nodes;
  }

  /**
   * Waits until these nodes (default: all) and their workers are at one revision with one hash, `minRevision` or later.
   * Says how long that took, in ms.
   */
  async agreed({ nodes = this.nodes, minRevision = 0, withinMs = 45_000 } = {}): Promise<Agreed> {
    const startedMs = performance.now();
    let newest: readonly Standing[] = [];
    const look = async () => {
      newest = (await Promise.all(nodes.map((node) => node.status()))).flatMap(standings);
      const { revision, hash } = newest[0]!;
      if (revision < minRevision || !newest.every((one) => one.revision === revision && one.hash === hash)) return null;
      return { revision, hash: hash!, tookMs: performance.now() - startedMs };
    };
    return eventually('all nodes and workers agree', look, withinMs).catch((error: unknown) => {
      throw new Error(`no agreement at ${minRevision} or later: ${JSON.stringify(newest)}`, { cause: error });
    });
  }

  /** Everything in the stream, and the hash of folding it from the first event. After a fault, NATS may need some seconds. */
  async stream(): Promise<WholeStream> {
    return eventually('the stream is read', () => this.#readStream(), STREAM_READ_TIMEOUT_MS);
  }

  async #readStream(): Promise<WholeStream> {
    const link = openNatsLink({ servers: this.nats.urls, name: 'test' });
    const journal = await openJetStreamJournal({ link, cluster: CLUSTER, replicas: this.nats.urls.length });
    try {
      const { epoch } = await journal.head();
      let roster = emptyRoster(CLUSTER);
      const messages: RecordedEvent[] = [];
      const rejections: Rejection[] = [];
      for await (const event of journal.read()) {
        const folded = fold(roster, event);
        roster = folded.roster;
        messages.push(event);
        if (folded.rejection !== null) rejections.push(folded.rejection);
      }
      return { messages, hash: rosterHash(roster), epoch, rejections };
    } finally {
      await journal.close();
      await link.close();
    }
  }

  /** All nodes agree with each other and with the stream folded from its first event, and nothing acknowledged was lost or doubled. */
  async expectSound({ withinMs = 45_000 } = {}): Promise<Agreed> {
    for (;;) {
      const agreed = await this.agreed({ withinMs });
      const { messages, hash } = await this.stream();
      const isStill = messages.at(-1)?.revision === agreed.revision;
      // A fact of a probe came in between: look again.
      if (!isStill) continue;
      assert.equal(hash, agreed.hash);
      assert.deepEqual(this.writer.faults(messages), []);
      return agreed;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.#disposer[Symbol.asyncDispose]();
  }
}

async function startAlone(options: NatsServerOptions): Promise<NatsCluster> {
  const server = await startNatsServer(options);
  return { servers: [server], urls: [server.url], [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

interface Standing {
  readonly who: string;
  readonly revision: number;
  readonly hash: string | null;
  readonly away?: number | null;
}

function standings({ node, revision, hash, workers, journalAwaySinceMs }: NodeStatus): Standing[] {
  const ofWorkers = workers.map((worker) => ({
    who: `${node}, worker ${worker.index}`,
    revision: worker.revision,
    hash: worker.hash,
  }));
  return [{ who: node, revision, hash, away: journalAwaySinceMs }, ...ofWorkers];
}

export interface Agreed {
  readonly revision: number;
  readonly hash: string;
  readonly tookMs: number;
}
