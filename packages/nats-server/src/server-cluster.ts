/**
 * Several servers as one cluster, with JetStream over all of them: streams with as many replicas can be made at once.
 *
 * Further servers, super-clusters and leaf nodes are not its business.
 */
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import type { NatsCluster, NatsServer, NatsServerProgram } from './nats-server.ts';
import type { RouteAddress } from './server-config.ts';
import { startServer } from './server-process.ts';
import { jetStreamStands, until } from './server-readiness.ts';

const HOST = '127.0.0.1';
/** An election takes 1 to 9 s. */
const ELECTION_TIMEOUT_MS = 60_000;

export interface NatsClusterOptions {
  readonly program: NatsServerProgram;
  /** Each server has a folder in it, named as the server: `nats-1`, `nats-2`, … */
  readonly folder: string;
  /** Default 3. */
  readonly count?: number;
  /** Further lines of every server's config file. */
  readonly configLines?: string;
  /** Where clients connect, one per server. Default: free ones. */
  readonly ports?: readonly number[];
  /**
   * How the server at one index reaches the routes of the one at another, who listens on `port`. Default: straight. With it no
   * server tells the others of further ways, so that whoever stands in between can cut them.
   */
  readonly reach?: (from: number, to: number, port: number) => Promise<RouteAddress>;
}

/** Resolves once every server knows JetStream's leader and all members; rejects, with none left running, where one does not. */
export async function startNatsCluster(options: NatsClusterOptions): Promise<NatsCluster> {
  const { program, folder, count = 3, configLines = '' } = options;
  const free = await freePorts(3 * count, HOST);
  const ports = options.ports ?? free.slice(0, count);
  const monitorPorts = free.slice(count, 2 * count);
  const routePorts = free.slice(2 * count);
  const { reach } = options;
  const routesByServer = await Promise.all(
    routePorts.map(async (_, from) =>
      Promise.all(
        routePorts.map(async (port, to) =>
          reach === undefined || from === to ? { host: HOST, port } : reach(from, to, port),
        ),
      ),
    ),
  );
  const starts = Array.from({ length: count }, async (_, index) => {
    const name = `nats-${index + 1}`;
    const cluster = {
      routePort: routePorts[index]!,
      routes: routesByServer[index]!,
      isAdvertised: reach === undefined,
    };
    const place = {
      name,
      host: HOST,
      port: ports[index]!,
      monitorPort: monitorPorts[index]!,
      folder: join(folder, name),
    };
    return startServer(program, { ...place, cluster, configLines });
  });
  const outcomes = await Promise.allSettled(starts);
  const servers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  try {
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    await Promise.all(servers.map(async (server) => electionOver(server, count)));
  } catch (error) {
    await killAll(servers);
    throw error;
  }
  return { servers, urls: servers.map(({ url }) => url), [Symbol.asyncDispose]: async () => killAll(servers) };
}

async function electionOver({ host, monitorPort, port }: NatsServer, count: number): Promise<void> {
  const what = `JetStream of the cluster's server on ${host}:${port} to elect its leader`;
  const { signal } = new AbortController();
  const base = `http://${host}:${monitorPort}`;
  await until(async () => jetStreamStands(base, count), { signal, timeoutMs: ELECTION_TIMEOUT_MS, what });
}

async function killAll(servers: readonly NatsServer[]): Promise<void> {
  await Promise.all(servers.map(async (server) => server[Symbol.asyncDispose]()));
}
