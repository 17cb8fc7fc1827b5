/**
 * The cluster that `npm run cluster` runs: three NATS servers, two nodes that share one journal, three backends that announce
 * themselves. The same as docker-compose.yml, as processes in one terminal.
 *
 *     web-1 :8080 ─► lb-1 ─┐              ┌─ spells-1      lb-1, lb-2: the same roster, each from the journal
 *     web-2 :8081 ─► lb-2 ─┼─► traffic ─► ├─ spells-2      spells:     announce themselves there
 *                          │              └─ spells-3
 *            journal: nats-1 nats-2 nats-3 (JetStream, 3 copies)
 *
 * Everything that it writes is in data/cluster. Options move the ports: `npm run cluster -- --listen 8090`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { newestNatsServer, startNatsCluster, type NatsCluster, type NatsServerProgram } from '@muster/nats-server';
import { writeText } from '@muster/questions/text';
import { nodeConfigText, type ClusterNode } from './cluster-config.ts';
import { HOST, readDemoPorts } from './demo-ports.ts';
import { fail } from './fail.ts';
import { hasBackends, startNodeProcess } from './node-process.ts';
import { startSpells, stopProcess } from './spells-process.ts';
import { stopSignal } from 'muster/stop-signal';

const FOLDER = 'data/cluster';
const CLUSTER = 'demo';
const POOL = 'spells';
const NODE_COUNT = 2;
const SPELLS_COUNT = 3;

const PORTS = {
  listen: { first: 8080, count: NODE_COUNT, stride: 10, what: 'lb-1 listens; lb-2 takes the next port' },
  admin: {
    first: 9900,
    count: NODE_COUNT,
    stride: 10,
    what: 'the admin API of lb-1 listens; lb-2 takes the next port',
  },
  spells: {
    first: 8001,
    count: SPELLS_COUNT,
    stride: 100,
    what: 'the first backend listens; the others take the next ports',
  },
  nats: { first: 4222, count: 3, stride: 100, what: 'the first NATS server listens; the others take the next ports' },
} as const;
type ClusterPorts = Readonly<Record<keyof typeof PORTS, number>>;

async function requireNatsServer(): Promise<NatsServerProgram> {
  const program = await newestNatsServer();
  return 'unavailable' in program ? fail(`three copies need NATS 2.10 or newer: ${program.unavailable}`) : program;
}

function row<Item>(count: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function clusterNodes({ listen, admin }: ClusterPorts): ClusterNode[] {
  return row(NODE_COUNT, (index) => {
    const place = index + 1;
    return { id: `lb-${place}`, adminPort: admin + index, listener: `web-${place}`, listenPort: listen + index };
  });
}

async function startNodes(nodes: readonly ClusterNode[], natsUrls: readonly string[]) {
  const config = { cluster: CLUSTER, pool: POOL, natsUrls, nodes, folder: FOLDER };
  return Promise.all(
    nodes.map(async (node) => {
      const configFile = `${FOLDER}/${node.id}.toml`;
      await writeFile(configFile, nodeConfigText(node, config));
      return startNodeProcess({ id: node.id, configFile, adminPort: node.adminPort });
    }),
  );
}

async function startBackends({ spells }: ClusterPorts, natsUrls: readonly string[]) {
  return Promise.all(
    row(SPELLS_COUNT, async (index) => {
      const id = `spells-${index + 1}`;
      const membership = ['--join', natsUrls.join(','), '--cluster', CLUSTER, '--pool', POOL, '--id', id];
      return startSpells(id, spells + index, membership);
    }),
  );
}

async function endNats({ servers }: NatsCluster): Promise<void> {
  await Promise.all(servers.map(async (server) => server.end('SIGTERM')));
}

function welcome(ports: ClusterPorts, { version }: NatsServerProgram, pids: { nats: number; spells: number }): string {
  const { listen, admin, spells, nats } = ports;
  const first = admin === 9900 ? '' : ` --admin http://${HOST}:${admin}`;
  const second = ` --admin http://${HOST}:${admin + 1}`;
  return `
  lb-1 is balancing http://${HOST}:${listen} and lb-2 http://${HOST}:${listen + 1} over three backends (ports ${spells} to ${spells + 2})
  the journal is the stream muster-${CLUSTER} on three NATS servers ${version} (ports ${nats} to ${nats + 2}); state is in ${FOLDER}

  Try in another terminal:
    # again and again: X-Backend goes round; the same on ${listen + 1}
    curl -i http://${HOST}:${listen}/spells
    # both nodes are at the same revision with the same hash, and each says that the other agrees
    npx muster${first} status
    npx muster${second} status
    # spells-1 dies without a word: whoever connects is served by the others; each node records it unhealthy, then
    # one of them ends its lease
    kill -9 ${pids.spells}
    npx muster${first} events --follow
    # a NATS server dies: the two that are left go on, and so does everything
    kill -9 ${pids.nats}

  Ctrl-C drains and stops everything.

`;
}

// Whoever reads what the demo says may leave; it goes on.
process.stdout.on('error', () => undefined);
const ports = await readDemoPorts('npm run cluster --', PORTS);
const program = await requireNatsServer();
await mkdir(FOLDER, { recursive: true });
writeText(`starting three NATS servers ${program.version} …\n`);
// Until everything runs, a Ctrl-C ends this process, and all others with it.
const nats = await startNatsCluster({
  program,
  folder: `${FOLDER}/nats`,
  ports: row(3, (index) => ports.nats + index),
});
const nodes = await startNodes(clusterNodes(ports), nats.urls);
const backends = await startBackends(ports, nats.urls);
await Promise.all(nodes.map(async (node) => hasBackends(node, POOL, SPELLS_COUNT)));
const stopping = stopSignal();
writeText(welcome(ports, program, { nats: nats.servers[0]!.pid, spells: backends[0]!.pid! }));
await stopping.first;
void stopping.second.then(() => process.exit(130));
await Promise.all(nodes.map(async ({ child }) => stopProcess(child)));
await Promise.all(backends.map(stopProcess));
await endNats(nats);
stopping.forget();
writeText('stopped\n');
