/**
 * A publisher for tests that remembers what was acknowledged to it, so that a test can look for each of these events in
 * the stream afterwards. It publishes as anybody may: plain NATS, an id, and the same id again until there is an answer.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { connect, headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import type { MembershipEventInput, RecordedEvent } from '@muster/membership';

const ATTEMPT_TIMEOUT_MS = 1_000;
const RETRY_PAUSE_MS = 50;

export interface PublishTextOptions {
  /** Default: a new one. */
  readonly id?: string;
  /** Who says so; null (default): nobody does. */
  readonly origin?: string | null;
  readonly withinMs?: number;
}

export class EventWriter implements AsyncDisposable {
  /** Revision of each acknowledged event, by its id. */
  readonly revisionById = new Map<string, number>();
  readonly connection: NatsConnection;
  readonly #cluster: string;

  private constructor(connection: NatsConnection, cluster: string) {
    this.connection = connection;
    this.#cluster = cluster;
  }

  static async open(servers: readonly string[], cluster: string): Promise<EventWriter> {
    const connection = await connect({
      servers: [...servers],
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      waitOnFirstConnect: true,
    });
    return new EventWriter(connection, cluster);
  }

  /** `entity` as in `backend.p.b-1`. Resolves to the revision once it is acknowledged; gives up after `withinMs`. */
  async publish(entity: string, event: MembershipEventInput, withinMs = 60_000): Promise<number> {
    return this.publishText(entity, JSON.stringify(event), { withinMs });
  }

  async publishText(
    entity: string,
    payload: string | Uint8Array,
    { id = randomUUID(), origin = null, withinMs = 60_000 }: PublishTextOptions = {},
  ): Promise<number> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      try {
        const options = { msgID: id, timeout: ATTEMPT_TIMEOUT_MS, headers: originHeader(origin) };
        const { seq } = await jetstream(this.connection).publish(`muster.${this.#cluster}.${entity}`, payload, options);
        if (seq > 0) {
          this.revisionById.set(id, seq);
          return seq;
        }
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
      await sleep(RETRY_PAUSE_MS);
    }
  }

  /** What is wrong with the stream, seen from what was acknowledged: nothing, if all is well. */
  faults(stored: readonly Pick<RecordedEvent, 'id' | 'revision'>[]): string[] {
    const revisionsById = new Map<string, number[]>();
    for (const { id, revision } of stored) revisionsById.set(id, [...(revisionsById.get(id) ?? []), revision]);
    const faults: string[] = [];
    for (const [id, revisions] of revisionsById)
      if (revisions.length > 1) faults.push(`${id} is stored at ${revisions.join(', ')}`);
    for (const [id, revision] of this.revisionById) {
      if (!revisionsById.has(id)) faults.push(`${id}, acknowledged at ${revision}, is lost`);
    }
    return faults;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }
}

function originHeader(origin: string | null): MsgHdrs {
  const made = headers();
  if (origin !== null) made.set('Muster-Origin', origin);
  return made;
}
