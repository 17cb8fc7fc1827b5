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
  /** Whether it tells the others where it and others are reached. */
  readonly isAdvertised: boolean;
}

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
  return `cluster: { name: "muster", listen: ${listen}, routes: [${urls.join(', ')}], no_advertise: ${!isAdvertised} }`;
}
