/**
 * How long a node is behind after its NATS server was killed and started again.
 *
 *     kill -9 … 3 s … start ──► server answers ──► publish ──► acknowledged ──► node has read it, traffic moved
 *                                    └──────────────── back ───────────────────────────┘
 *                                                                   └──── behind ──────┘
 *
 * While the server is away for 3 s, the node's pauses between two attempts reach their longest. A plain publisher connects
 * as soon as the server answers and moves a backend; the node has the event at the latest when a connection through it
 * reaches the new target (`held-connection.ts`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startNatsServer, type NatsServer } from '@muster/nats-server';
import { startTestNode, testFolder } from '../../harness/node.ts';
import { loadText, machineText, percentile } from '../figures/figures.ts';
import { HeldConnection, type NamedTarget } from './held-connection.ts';
import { CLUSTER, MOVING_BACKEND, newestProgram, openPlainPublisher, startMovingTarget } from './nats-scene.ts';

export const natsRestartUsage = `nats-restart   how long a node is behind after its NATS server was killed and restarted
        --rounds N  (10)`;

const AWAY_MS = 3_000;
const PUBLISH_RETRY_MS = 10;
/** Between two rounds: the node's connection counts as steady. */
const PAUSE_MS = 1_500;

export async function natsRestartBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...options], options: { rounds: { type: 'string', default: '10' } } });
  const program = await newestProgram();
  console.log(`${machineText()}; ${loadText()}\nNATS ${program.version}, 1 server\n`);
  await using folder = await testFolder();
  await using server = await startNatsServer({ program, folder: folder.path });
  await using moving = await startMovingTarget();
  const journal = { servers: [server.url], cluster: CLUSTER };
  await using node = await startTestNode({ folder, config: moving.config, journal });
  using connection = await HeldConnection.open(await node.address('front'), moving.targets[0].name);
  const [backMs, behindMs]: [number[], number[]] = [[], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    const next = moving.targets[(round + 1) % moving.targets.length]!;
    const times = await measureRound({ server, connection, next });
    backMs.push(times.movedMs - times.answersMs);
    behindMs.push(times.movedMs - times.acknowledgedMs);
    await sleep(PAUSE_MS);
  }
  print('the server answers → the node has moved traffic', backMs);
  print('first acknowledged publish → the node has moved traffic', behindMs);
  console.log(`\n${loadText()} at the end`);
}

interface Round {
  readonly server: NatsServer;
  readonly connection: HeldConnection;
  readonly next: NamedTarget;
}

/** By `performance.now()`. */
interface RoundTimes {
  readonly answersMs: number;
  readonly acknowledgedMs: number;
  readonly movedMs: number;
}

async function measureRound({ server, connection, next }: Round): Promise<RoundTimes> {
  await server.end('SIGKILL');
  await sleep(AWAY_MS);
  await server.restart();
  const answersMs = performance.now();
  const moving = connection.moved(next.name);
  await publishOnce(server.url, next.target);
  const acknowledgedMs = performance.now();
  return { answersMs, acknowledgedMs, movedMs: (await moving).answeredMs };
}

/** Until it is acknowledged; what was stored without an answer would be stored twice, which moves nothing. */
async function publishOnce(url: string, target: string): Promise<void> {
  for (;;) {
    try {
      await using publisher = await openPlainPublisher([url]);
      await publisher.publish(MOVING_BACKEND, { type: 'BackendRegistered', target });
      return;
    } catch (error) {
      console.log(`not taken yet: ${(error as Error).message}`);
      await sleep(PUBLISH_RETRY_MS);
    }
  }
}

function print(what: string, samplesMs: readonly number[]): void {
  const figures = `p50 ${percentile(samplesMs, 50).toFixed(0)} ms, max ${Math.max(...samplesMs).toFixed(0)} ms`;
  console.log(`${what.padEnd(56)} ${figures} (${samplesMs.length} rounds)`);
}
