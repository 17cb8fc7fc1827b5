/**
 * The walk-through of `npm run cluster`, with its own words: both nodes balance and agree; a backend that is killed costs no
 * request and is taken out once; a NATS server that is killed costs nothing; Ctrl-C ends everything.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { NodeStatus } from '@muster/actors';
import { newestNatsServer } from '@muster/nats-server';
import { expect, test } from 'vitest';
import { startHttpLoad, type HttpFailure } from '../harness/http/http-load.ts';
import { testFolder } from '../harness/node.ts';
import { eventually, isAlive, startProcess } from '../harness/processes/process.ts';

const MAIN = fileURLToPath(new URL('../../services/demo/src/cluster.ts', import.meta.url));
const START_TIMEOUT_MS = 45_000;
const LEASE_TIMEOUT_MS = 30_000;

const nats = await newestNatsServer();
if ('unavailable' in nats) process.stderr.write(`skipped: ${nats.unavailable}\n`);

/** The first of ten ports in a row that were free a moment ago, below those that systems hand out. */
async function tenFreePorts(): Promise<number> {
  for (;;) {
    const first = randomInt(12_000, 31_990);
    const holders: Server[] = [];
    try {
      for (let port = first; port < first + 10; port++) {
        const holder = createServer();
        holders.push(holder);
        await once(holder.listen(port, '127.0.0.1'), 'listening');
      }
      return first;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    } finally {
      for (const holder of holders) holder.close();
    }
  }
}

async function answers(ports: readonly number[], count: number): Promise<Set<number | string>> {
  const seen = new Set<number | string>();
  for (let index = 0; index < count; index++) {
    const response = await fetch(`http://127.0.0.1:${ports[index % ports.length]}/spells`, {
      headers: { connection: 'close' },
    });
    await response.text();
    seen.add(response.status).add(response.headers.get('x-backend') ?? 'nobody');
  }
  return seen;
}

async function statusOf(adminPort: number): Promise<NodeStatus> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/v1/status`);
  return (await response.json()) as NodeStatus;
}

/** At one revision, with one hash, and each says that the other agrees. */
async function agreement([one, other]: readonly [number, number], backendsCount: number): Promise<boolean> {
  const statuses = [await statusOf(one), await statusOf(other)] as const;
  const views = new Set(statuses.map(({ revision, hash }) => `${revision} ${hash}`));
  return (
    views.size === 1 &&
    statuses.every(({ peers }) => peers.length === 1 && peers[0]!.agreement === 'equal') &&
    statuses.every((status) => (status as { backendsCount?: number }).backendsCount === backendsCount)
  );
}

test.skipIf('unavailable' in nats)(
  'the walk-through of the cluster',
  async () => {
    await using folder = await testFolder();
    const first = await tenFreePorts();
    const [listen, admin, spells, natsPort] = [first, first + 2, first + 4, first + 7];
    const [web, admins] = [[listen, listen + 1] as const, [admin, admin + 1] as const];
    const options = { listen, admin, spells, nats: natsPort };
    const args = Object.entries(options).flatMap(([name, port]) => [`--${name}`, `${port}`]);
    await using cluster = startProcess(MAIN, args, { cwd: folder.path });
    await eventually('the welcome', () => cluster.output().includes('Ctrl-C drains'), START_TIMEOUT_MS);
    const [spellsPid = 0, natsPid = 0] = [...cluster.output().matchAll(/kill -9 (\d+)/g)].map(([, pid]) => Number(pid));

    expect(await answers(web, 12)).toEqual(new Set([200, 'spells-1', 'spells-2', 'spells-3']));
    await eventually('both nodes to agree on three backends', async () => agreement(admins, 3));
    const requestText = () => 'GET /spells HTTP/1.1\r\nHost: spells.test\r\n\r\n';
    const loads = web.map((port) =>
      startHttpLoad({ host: '127.0.0.1', port }, { clients: 2, thinkMs: 10, requestText }),
    );
    await eventually('every connection is kept alive', () => loads.every((load) => load.succeededCount() > 100));

    const killedMs = performance.now();
    process.kill(spellsPid, 'SIGKILL');
    await eventually('spells-1 to be gone', () => !isAlive(spellsPid));
    const goneMs = performance.now();
    // A dying process loses its listening socket last: who dials it meanwhile is accepted, sends, and hears no more. That request
    // may not be sent again.
    const wasCutOff = ({ message, begunMs, failedMs }: HttpFailure) =>
      message === 'no_answer' && failedMs >= killedMs && begunMs <= goneMs;
    expect(await answers(web, 60)).toEqual(new Set([200, 'spells-2', 'spells-3']));
    await eventually('both nodes to agree on two backends', async () => agreement(admins, 2), LEASE_TIMEOUT_MS);
    const expiries = () => cluster.output().match(/spells\/spells-1 {2}deregistered: lease-expired/g);
    await eventually('each node to tell of the one event that took it out', () => expiries()?.length === 2);

    process.kill(natsPid, 'SIGKILL');
    expect(await answers(web, 60)).toEqual(new Set([200, 'spells-2', 'spells-3']));
    await eventually('both nodes to agree without the NATS server', async () => agreement(admins, 2));
    for (const load of loads) {
      await load.stop();
      expect(load.failures.filter((failure) => !wasCutOff(failure))).toEqual([]);
      expect(load.answersByBackend.size).toBe(3);
    }

    expect(await cluster.end('SIGINT')).toBe(0);
    expect(cluster.output()).toMatch(/stopped\n$/);
    await expect(statusOf(admin)).rejects.toThrow('fetch failed');
    expect(isAlive(natsPid)).toBe(false);
  },
  120_000,
);
