/**
 * What it costs a node to hear thousands of members: 5,000 of them, in a process of their own, each with a lease of 15 s and a
 * heartbeat every 5 s, so 1,000 heartbeats a second.
 *
 * The figure is CPU time from `/proc/PID/stat`, of the node's control process, its worker, and the NATS server. The pool has
 * no health check, since the members' targets do not exist. While all are alive nothing may be appended; an event
 * that is appended during the measurement voids it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNatsServer } from '@muster/nats-server';
import { startTestNode, testFolder } from '../../harness/node.ts';
import { startProcess } from '../../harness/processes/process.ts';
import { loadText, machineText } from '../figures/figures.ts';
import { CLUSTER, newestProgram, saysLine } from './nats-scene.ts';
import { cpuSeconds } from '../figures/process-cpu.ts';

export const leasesUsage = `leases   CPU of a node that hears the heartbeats of many members
        --members N         (5000)                 --seconds S   measured (30)`;

const PUBLISHERS_PROCESS = fileURLToPath(new URL('publishers-process.ts', import.meta.url));
const POOL = 'spells';
const LEASE_MS = 15_000;
const HEARTBEAT_MS = 5_000;
/** After the last registration: longer than a node may wait before it saves a snapshot. */
const SETTLE_MS = 15_000;

export async function leasesBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: { members: { type: 'string', default: '5000' }, seconds: { type: 'string', default: '30' } },
  });
  const program = await newestProgram();
  console.log(`${machineText()}; ${loadText()}`);
  await using folder = await testFolder();
  await using server = await startNatsServer({ program, folder: folder.path });
  const journal = { servers: [server.url], cluster: CLUSTER };
  await using node = await startTestNode({ folder, config: `[[pools]]\nid = "${POOL}"`, journal });
  const members = [values.members, LEASE_MS, HEARTBEAT_MS].map(String);
  const startedMs = performance.now();
  await using publishers = startProcess(PUBLISHERS_PROCESS, [server.url, CLUSTER, POOL, ...members]);
  await saysLine(publishers.child.stdout!, 'joined');
  const joinedSeconds = (performance.now() - startedMs) / 1_000;
  console.log(`NATS ${program.version}; ${values.members} members joined within ${joinedSeconds.toFixed(1)} s\n`);
  await sleep(SETTLE_MS);
  const [worker] = await node.workerPids();
  const pidsByName = {
    'node, control process': node.process.pid,
    'node, worker': worker!,
    'nats-server': server.pid,
    'the members': publishers.pid,
  };
  await using connection = disposable(await connect({ servers: server.url }));
  await measure(pidsByName, { connection, seconds: Number(values.seconds) });
  await publishers.end('SIGKILL');
  console.log(`\n${loadText()} at the end`);
}

async function measure(
  pidsByName: Readonly<Record<string, number>>,
  { connection, seconds }: { readonly connection: NatsConnection; readonly seconds: number },
): Promise<void> {
  const usage = async () => Promise.all(Object.values(pidsByName).map(cpuSeconds));
  const revision = await newestRevision(connection);
  const before = await usage();
  const startedMs = performance.now();
  await sleep(seconds * 1_000);
  const after = await usage();
  const elapsedSeconds = (performance.now() - startedMs) / 1_000;
  const appended = (await newestRevision(connection)) - revision;
  for (const [index, name] of Object.keys(pidsByName).entries()) {
    const [user, system] = (['user', 'system'] as const).map(
      (kind) => ((after[index]![kind] - before[index]![kind]) / elapsedSeconds) * 100,
    );
    const text = `${(user! + system!).toFixed(1)} % of a core (${user!.toFixed(1)} user + ${system!.toFixed(1)} system)`;
    console.log(`${name.padEnd(24)} ${text}`);
  }
  console.log(`appended meanwhile       ${appended}`);
  if (appended > 0) throw new Error(`${appended} events were appended while all members were alive; the run is void`);
}

async function newestRevision(connection: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info(`muster-${CLUSTER}`);
  return state.last_seq;
}

function disposable(connection: NatsConnection): NatsConnection & AsyncDisposable {
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}
