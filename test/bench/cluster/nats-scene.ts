/**
 * What the benchmarks on NATS share: a server of the newest version that can be had, a plain publisher, and the pool
 * whose one backend moves between two targets.
 */
import { once } from 'node:events';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { MembershipEventInput } from '@muster/membership';
import { newestNatsServer, type NatsServerProgram } from '@muster/nats-server';
import { onePool } from '../../harness/node.ts';
import { startNamedTarget, type NamedTarget } from './held-connection.ts';

export const CLUSTER = 'bench';
/** The backend that `onePool` declares first. */
export const MOVING_BACKEND = 'backend.p.b-1';
const ACK_TIMEOUT_MS = 5_000;

/** Throws, with what to do, where there is none that can hold three copies. */
export async function newestProgram(): Promise<NatsServerProgram> {
  const program = await newestNatsServer();
  if ('unavailable' in program) throw new Error(program.unavailable);
  return program;
}

export interface Publisher extends AsyncDisposable {
  /** `entity`: for example `backend.p.b-1`. Resolves to the revision when it is acknowledged. */
  publish(entity: string, event: MembershipEventInput): Promise<number>;
}

/** Publishes as `nats pub` with a reply does: without any code of ours. Rejects where the server cannot be reached now. */
export async function openPlainPublisher(servers: readonly string[]): Promise<Publisher> {
  const connection = await connect({ servers: [...servers], reconnect: false });
  const client = jetstream(connection);
  let count = 0;
  const run = `${process.pid}-${performance.now()}`;
  return {
    publish: async (entity, event) => {
      const options = { msgID: `bench-${run}-${++count}`, timeout: ACK_TIMEOUT_MS };
      const { seq } = await client.publish(`muster.${CLUSTER}.${entity}`, JSON.stringify(event), options);
      return seq;
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

export interface MovingTarget extends AsyncDisposable {
  /** A node's config: the pool "p" without a health check, the backend at the first target, the listener "front". */
  readonly config: string;
  /** The first one answers at first. */
  readonly targets: readonly [NamedTarget, NamedTarget];
}

export async function startMovingTarget(): Promise<MovingTarget> {
  const targets = [await startNamedTarget('a'), await startNamedTarget('b')] as const;
  return {
    config: onePool([targets[0].target]),
    targets,
    [Symbol.asyncDispose]: async () => {
      for (const target of targets) await target[Symbol.asyncDispose]();
    },
  };
}

/** Resolves at the process's first line that is this one. */
export async function saysLine(stream: NodeJS.ReadableStream, line: string): Promise<void> {
  let text = '';
  while (!text.split('\n').includes(line)) {
    const [chunk] = (await once(stream, 'data')) as [Buffer | string];
    text += chunk.toString();
  }
}
