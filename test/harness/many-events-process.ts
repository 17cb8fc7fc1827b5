/**
 * Publishes many events in a process of its own, so that they do not hold up the clients and backends of a test: the weights
 * of many backends of the pool "many", one after another. Each is repeated until it is acknowledged, and many are under way at once.
 *
 *     node test/harness/many-events-process.ts CLUSTER EVENTS SERVER…      prints the newest revision
 */
import { EventWriter } from './event-writer.ts';

const IN_FLIGHT = 1_000;
const BACKENDS = 1_000;

const [cluster = '', count = '', ...servers] = process.argv.slice(2);
await using writer = await EventWriter.open(servers, cluster);
let newest = await writer.publish('pool.many', { type: 'PoolDefined' });
let next = 0;

async function publishOneAfterAnother(): Promise<void> {
  while (next < Number(count)) {
    const index = next++;
    const backend = index % BACKENDS;
    const weight = 1 + (Math.floor(index / BACKENDS) % BACKENDS);
    const event = { type: 'BackendRegistered', target: `127.0.0.1:${10_000 + backend}`, weight } as const;
    const revision = await writer.publish(`backend.many.b-${backend}`, event);
    newest = Math.max(newest, revision);
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, publishOneAfterAnother));
process.stdout.write(`${newest}\n`);
