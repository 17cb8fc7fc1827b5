/**
 * The demo that `npm start` runs: two spells backends and a node in front of them, in one terminal.
 *
 * The node is an ordinary one, from `examples/demo.toml`. Options move its ports: `npm start -- --listen 8090`.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from './config/load-config.ts';
import { formatProblem } from './config/config-problem.ts';
import type { DeclaredRoster } from './config/declared-roster.ts';
import type { NodeConfig } from './config/node-config.ts';
import { runNode } from './node/run-node.ts';

const CONFIG = fileURLToPath(new URL('../examples/demo.toml', import.meta.url));
const SPELLS_MAIN = fileURLToPath(import.meta.resolve('@muster/spells/main'));
const HOST = '127.0.0.1';
const USAGE = `usage: npm start -- [--listen PORT] [--admin PORT] [--spells PORT]

  --listen PORT   where the balancer listens (8080)
  --admin PORT    where the admin API listens (9900)
  --spells PORT   where the first backend listens (8001); the second takes the next port`;

interface DemoPorts {
  readonly listen: number;
  readonly admin: number;
  readonly spells: number;
}

function readPorts(): DemoPorts {
  const options = { listen: { type: 'string' }, admin: { type: 'string' }, spells: { type: 'string' } } as const;
  try {
    const { values } = parseArgs({ options });
    return {
      listen: readPort('listen', values.listen ?? '8080'),
      admin: readPort('admin', values.admin ?? '9900'),
      spells: readPort('spells', values.spells ?? '8001'),
    };
  } catch (error) {
    return fail(`${(error as Error).message}\n${USAGE}`);
  }
}

function readPort(option: string, text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_534) return port;
  throw new Error(`--${option} must be a port from 1 to 65534, not "${text}"`);
}

async function requireFreePorts({ listen, admin, spells }: DemoPorts): Promise<void> {
  const wanted: [port: number, option: string][] = [
    [listen, `--listen ${listen + 10}`],
    [admin, `--admin ${admin + 10}`],
    [spells, `--spells ${spells + 100}`],
    [spells + 1, `--spells ${spells + 100}`],
  ];
  for (const [port, option] of wanted) {
    const code = await bindError(port);
    if (code === null) continue;
    const what = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${code})`;
    fail(`port ${port} on ${HOST} ${what}; stop that one, or choose another: npm start -- ${option}`);
  }
}

/** The system's error code, or null when the port is free. */
async function bindError(port: number): Promise<string | null> {
  const server = createServer();
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  } finally {
    server.close();
  }
}

/** In a process group of its own, so that the terminal's Ctrl-C leaves it running until the node has drained. */
async function startSpells(name: string, port: number): Promise<ChildProcess> {
  const args = ['--name', name, '--host', HOST, '--port', `${port}`];
  const child = fork(SPELLS_MAIN, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const early = once(child, 'exit').then(() => false);
  const hasStarted = await Promise.race([once(child.stdout!, 'data').then(() => true), early]);
  if (!hasStarted) fail(`${name} did not start`);
  return child;
}

async function stopSpells(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

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

function fail(message: string): never {
  process.stderr.write(`muster: ${message}\n`);
  process.exit(1);
}

const ports = readPorts();
await requireFreePorts(ports);
const { config, declared } = await loadDemo(ports);
const spells = await Promise.all([startSpells('spells-1', ports.spells), startSpells('spells-2', ports.spells + 1)]);
process.exitCode = await runNode({
  config,
  declared,
  logFormat: 'text',
  onServing: () => process.stdout.write(welcome(ports, spells[0].pid!)),
});
await Promise.all(spells.map(stopSpells));
