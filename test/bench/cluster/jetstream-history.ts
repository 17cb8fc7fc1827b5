/**
 * A long history on JetStream, made fast: events are published without waiting for each answer, and every `ACKNOWLEDGED_EVERY`th is
 * waited for, which says that all before it are stored.
 *
 * What is in it: one pool with the backend that answers, 10,000 backends in 100 pools, three nodes; then, until there are
 * enough, health facts of the three nodes (6 of 10), registrations with another weight (3 of 10) and modes (1 of 10).
 * The targets of the 10,000 do not exist, and their pools have no health checks.
 */
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import type { MembershipEventInput } from '@muster/membership';
import { seededRandom, targetOf } from '../node/fold.ts';

/** Below what a server lets wait in front of a stream (10,000), so that none is dropped. */
const ACKNOWLEDGED_EVERY = 4_000;
const ACK_TIMEOUT_MS = 10_000;
const NODES = 3;

export interface HistorySize {
  readonly events: number;
  readonly backends: number;
  readonly pools: number;
}

export interface HistoryOptions extends HistorySize {
  readonly cluster: string;
  /** Where the history's one listener is bound. */
  readonly port: number;
  /** Of the backend that answers behind it. */
  readonly target: string;
}

interface Entry {
  readonly entity: string;
  readonly event: MembershipEventInput;
}

/** Throws where the stream does not hold exactly the events in the end. */
export async function makeHistory(connection: NatsConnection, options: HistoryOptions): Promise<void> {
  const client = jetstream(connection);
  let count = 0;
  for (const { entity, event } of historyOf(options)) {
    count++;
    const subject = `muster.${options.cluster}.${entity}`;
    const fields = headers();
    fields.append('Nats-Msg-Id', `event-${count}`);
    fields.append('Muster-Origin', 'bench');
    const payload = JSON.stringify(event);
    const isLast = count === options.events;
    if (isLast || count % ACKNOWLEDGED_EVERY === 0) {
      await client.publish(subject, payload, { headers: fields, timeout: ACK_TIMEOUT_MS });
    } else connection.publish(subject, payload, { headers: fields });
    if (isLast) break;
  }
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info(`muster-${options.cluster}`);
  if (state.last_seq !== options.events)
    throw new Error(`The stream has ${state.last_seq} events, not ${options.events}`);
}

/** The stream as a node makes it, in its file, with a window for duplicates that does not hold a million ids. */
export async function makeStream(connection: NatsConnection, cluster: string): Promise<void> {
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: `muster-${cluster}`,
    subjects: [`muster.${cluster}.>`],
    storage: StorageType.File,
    duplicate_window: 1_000_000_000,
  });
}

/** Without an end. */
function* historyOf({ port, target, backends, pools }: HistoryOptions): Generator<Entry, never> {
  yield { entity: 'pool.spells', event: { type: 'PoolDefined' } };
  yield { entity: 'backend.spells.spells-1', event: { type: 'BackendRegistered', target } };
  yield { entity: 'listener.web', event: { type: 'ListenerDefined', bind: `127.0.0.1:${port}`, pool: 'spells' } };
  for (let node = 1; node <= NODES; node++) yield { entity: `node.lb-${node}`, event: { type: 'NodeStarted' } };
  for (let pool = 0; pool < pools; pool++) yield { entity: `pool.p-${pool}`, event: { type: 'PoolDefined' } };
  for (let index = 0; index < backends; index++) {
    yield {
      entity: `backend.${backendOf(index, pools)}`,
      event: { type: 'BackendRegistered', target: targetOf(index) },
    };
  }
  const random = seededRandom(1);
  for (;;) yield randomEntry(random, { backends, pools });
}

function randomEntry(random: () => number, { backends, pools }: Pick<HistorySize, 'backends' | 'pools'>): Entry {
  const index = Math.floor(random() * backends);
  const backend = backendOf(index, pools);
  const target = targetOf(index);
  const isUp = random() < 0.5;
  const kind = random();
  if (kind < 0.6) {
    const entity = `health.lb-${1 + Math.floor(random() * NODES)}.${backend}`;
    if (isUp) return { entity, event: { type: 'BackendTurnedHealthy', target, reason: 'status 200' } };
    return { entity, event: { type: 'BackendTurnedUnhealthy', target, reason: 'connection refused' } };
  }
  const entity = `backend.${backend}`;
  if (kind < 0.9)
    return { entity, event: { type: 'BackendRegistered', target, weight: 1 + Math.floor(random() * 10) } };
  return { entity, event: { type: 'BackendModeSet', mode: isUp ? 'ready' : 'drain' } };
}

function backendOf(index: number, pools: number): string {
  return `p-${index % pools}.b-${index}`;
}
