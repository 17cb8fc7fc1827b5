/** The configs that the demos run are configs: the two that are files, and the two that the cluster writes. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadConfig, parseConfig } from '@muster/config';
import { nodeConfigText, type ClusterNode } from './cluster-config.ts';

const NODES: readonly ClusterNode[] = [
  { id: 'lb-1', adminPort: 9900, listener: 'web-1', listenPort: 8080 },
  { id: 'lb-2', adminPort: 9901, listener: 'web-2', listenPort: 8081 },
];

test('each node of the cluster declares the same pool and listeners, and shares the journal', () => {
  const natsUrls = ['nats://127.0.0.1:4222', 'nats://127.0.0.1:4223'];
  const config = { cluster: 'demo', pool: 'spells', natsUrls, nodes: NODES, folder: 'data/cluster' };
  const loaded = NODES.map((node) => parseConfig(nodeConfigText(node, config), `${node.id}.toml`));
  const [first, second] = loaded;
  expect(first).toMatchObject({
    outcome: 'loaded',
    node: {
      id: 'lb-1',
      cluster: 'demo',
      admin: '127.0.0.1:9900',
      journal: { kind: 'jetstream', replicas: 3, access: { servers: natsUrls } },
    },
    declared: {
      pools: [{ id: 'spells', backends: [] }],
      listeners: [
        { id: 'web-1', spec: { bind: '127.0.0.1:8080', nodes: ['lb-1'] } },
        { id: 'web-2', spec: { bind: '127.0.0.1:8081', nodes: ['lb-2'] } },
      ],
    },
  });
  expect(second).toMatchObject({ outcome: 'loaded', node: { id: 'lb-2', admin: '127.0.0.1:9901' } });
  expect('declared' in second! && second.declared).toEqual('declared' in first! && first.declared);
});

test.each(['demo.toml', 'compose.toml'])('%s is a config', async (name) => {
  const file = fileURLToPath(new URL(`../../muster/examples/${name}`, import.meta.url));
  expect(await loadConfig(file, { environment: { MUSTER_ADMIN_TOKEN: 'token' } })).toMatchObject({ outcome: 'loaded' });
});
