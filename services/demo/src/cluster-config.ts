/** The config file of a node of the cluster demo, written at each start: whoever wants to look or to try changes has a file. */
import { HOST } from './demo-ports.ts';

export interface ClusterNode {
  readonly id: string;
  readonly adminPort: number;
  /** Name and port of the listener that this node alone has. */
  readonly listener: string;
  readonly listenPort: number;
}

export interface ClusterConfig {
  readonly cluster: string;
  readonly pool: string;
  readonly natsUrls: readonly string[];
  readonly nodes: readonly ClusterNode[];
  /** Where the nodes keep what is theirs alone. */
  readonly folder: string;
}

/**
 * Every node declares the same pool and all listeners, so it does not matter which one starts first. The backends are in no file: they
 * join.
 */
export function nodeConfigText({ id, adminPort }: ClusterNode, config: ClusterConfig): string {
  const { cluster, pool, natsUrls, nodes, folder } = config;
  return `# Written by \`npm run cluster\` at each start.

[node]
id = ${quoted(id)}
workers = 1
admin = ${quoted(`${HOST}:${adminPort}`)}
drainTimeoutMs = 5000

# The journal is shared, so publishers may name targets on this machine's own loopback only where that is allowed.
[node.targets]
allow = ["${HOST}"]
deny = [${nodes.map((node) => quoted(`${HOST}:${node.adminPort}`)).join(', ')}]

[journal]
kind = "jetstream"
servers = [${natsUrls.map(quoted).join(', ')}]
cluster = ${quoted(cluster)}
replicas = 3
localSnapshotPath = ${quoted(`${folder}/${id}.snapshot`)}

[[pools]]
id = ${quoted(pool)}
policy = "round_robin"
connectTimeoutMs = 400
health = { http = "/healthz", intervalMs = 5000, timeoutMs = 2000, rise = 2, fall = 3 }
${nodes.map((node) => listenerText(node, pool)).join('')}`;
}

function listenerText({ id, listener, listenPort }: ClusterNode, pool: string): string {
  return `
[[listeners]]
id = ${quoted(listener)}
bind = ${quoted(`${HOST}:${listenPort}`)}
protocol = "http"
pool = ${quoted(pool)}
nodes = [${quoted(id)}]
`;
}

/** JSON's strings are TOML's, too. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
