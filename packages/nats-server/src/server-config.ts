/** The config file of a server: JetStream on, a store of its own, monitoring on loopback, routes where it has peers. */
import { join } from 'node:path';

export interface ServerConfig {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly folder: string;
  /** Null: it stands alone. */
  readonly cluster: ClusterConfig | null;
  /** Appended as they are. */
  readonly configLines: string;
}

export interface RouteAddress {
  readonly host: string;
  readonly port: number;
}

interface ClusterConfig {
  /** Where this server listens for the others. */
  readonly routePort: number;
  /** How it reaches all members, itself included. */
  readonly routes: readonly RouteAddress[];
  /** Whether servers may reach each other by what they tell each other, and not by `routes` alone. */
  readonly isAdvertised: boolean;
}

/** Nobody listens there, so a server that is told of it goes on with the routes that it knows. */
const NOWHERE = '127.0.0.1:9';

/** Paths and names are JSON strings, which the config's syntax takes as they are. */
export function configText({ name, host, port, monitorPort, folder, cluster, configLines }: ServerConfig): string {
  return [
    `server_name: ${JSON.stringify(name)}`,
    `listen: ${JSON.stringify(`${host}:${port}`)}`,
    `http: ${JSON.stringify(`${host}:${monitorPort}`)}`,
    `jetstream: { store_dir: ${JSON.stringify(join(folder, 'store'))} }`,
    ...(cluster === null ? [] : [clusterText(host, cluster)]),
    configLines,
    '',
  ].join('\n');
}

function clusterText(host: string, { routePort, routes, isAdvertised }: ClusterConfig): string {
  const urls = routes.map((route) => JSON.stringify(`nats-route://${route.host}:${route.port}`));
  const listen = JSON.stringify(`${host}:${routePort}`);
  // Servers pass on where others are reached, and would find a straight way beside the given one; `no_advertise` is about clients.
  const advertised = isAdvertised ? '' : `, advertise: ${JSON.stringify(NOWHERE)}`;
  return `cluster: { name: "muster", listen: ${listen}, routes: [${urls.join(', ')}]${advertised} }`;
}
