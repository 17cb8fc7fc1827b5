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

interface ClusterConfig {
  /** Where the other servers reach this one. */
  readonly routePort: number;
  /** Of all members, itself included. */
  readonly routePorts: readonly number[];
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

function clusterText(host: string, { routePort, routePorts }: ClusterConfig): string {
  const routes = routePorts.map((port) => JSON.stringify(`nats-route://${host}:${port}`));
  const listen = JSON.stringify(`${host}:${routePort}`);
  return `cluster: { name: "muster", listen: ${listen}, routes: [${routes.join(', ')}] }`;
}
