/**
 * The demo that `npm start` runs: two spells backends and a node in front of them, in one terminal.
 *
 * The node is an ordinary one, from `examples/demo.toml`. Options move its ports: `npm start -- --listen 8090`.
 */
import { fileURLToPath } from 'node:url';
import { writeText } from '@muster/questions/text';
import { type DeclaredRoster, formatProblem, loadConfig, type NodeConfig } from '@muster/config';
import { HOST, readDemoPorts } from './demo-ports.ts';
import { fail } from './fail.ts';
import { startSpells, stopProcess } from './spells-process.ts';
import { runNode } from 'muster/run-node';

const CONFIG = fileURLToPath(new URL('../../muster/examples/demo.toml', import.meta.url));

const PORTS = {
  listen: { first: 8080, count: 1, stride: 10, what: 'the balancer listens' },
  admin: { first: 9900, count: 1, stride: 10, what: 'the admin API listens' },
  spells: { first: 8001, count: 2, stride: 100, what: 'the first backend listens; the second takes the next port' },
} as const;
type DemoPorts = Readonly<Record<keyof typeof PORTS, number>>;

async function loadDemo(ports: DemoPorts): Promise<{ config: NodeConfig; declared: DeclaredRoster }> {
  const loaded = await loadConfig(CONFIG);
  if (loaded.outcome === 'broken') return fail(loaded.problems.map(formatProblem).join('\n'));
  const { pools, listeners } = loaded.declared;
  const targetOf = (index: number) => `${HOST}:${ports.spells + index}`;
  return {
    config: { ...loaded.node, admin: `${HOST}:${ports.admin}` },
    declared: {
      pools: pools.map((pool) => ({
        ...pool,
        backends: pool.backends.map((backend, index) => ({ ...backend, target: targetOf(index) })),
      })),
      listeners: listeners.map(({ id, spec }) => ({ id, spec: { ...spec, bind: `${HOST}:${ports.listen}` } })),
    },
  };
}

function welcome({ listen, admin, spells }: DemoPorts, spellsPid: number): string {
  const via = admin === 9900 ? '' : ` --admin http://${HOST}:${admin}`;
  return `
  muster is balancing http://${HOST}:${listen} over two backends (${HOST}:${spells} and :${spells + 1})
  the admin API is at http://${HOST}:${admin}; the journal is data/demo.journal

  Try in another terminal:
    curl -i http://${HOST}:${listen}/spells          # again and again: X-Backend alternates
    npx muster${via} status --watch
    npx muster${via} backend drain spells spells-1   # and: ready
    kill ${spellsPid}                                       # spells-1 is gone; watch it leave the set
    npx muster${via} events --follow

  Ctrl-C drains and stops everything.
`;
}

// Whoever reads what the demo says may leave; it goes on.
process.stdout.on('error', () => undefined);
const ports = await readDemoPorts('npm start --', PORTS);
const { config, declared } = await loadDemo(ports);
const spells = await Promise.all([startSpells('spells-1', ports.spells), startSpells('spells-2', ports.spells + 1)]);
process.exitCode = await runNode({
  config,
  declared,
  logFormat: 'text',
  onServing: () => writeText(welcome(ports, spells[0].pid!)),
});
await Promise.all(spells.map(stopProcess));
