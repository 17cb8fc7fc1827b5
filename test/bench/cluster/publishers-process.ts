/**
 * Many members in one process, for benchmarks of the nodes that watch their leases:
 *
 *     node test/bench/cluster/publishers-process.ts nats://127.0.0.1:4222 demo spells 5000 15000 5000
 *                                           URL                   cluster pool N lease heartbeat (ms)
 *
 * Prints `joined` when all are registered, and every state that is not what it should be. SIGTERM: all leave, and it ends.
 * The targets are addresses of loopback that nobody listens on; give the pool no health check.
 */
import { once } from 'node:events';
import { openPublisher } from '@muster/publisher';

/** Members on one connection. */
const MEMBERS_PER_CONNECTION = 1_000;
/** Registrations under way at once, on each connection. */
const JOINING_MAX = 100;

const [servers = '', cluster = '', pool = '', memberCount, leaseMs, heartbeatMs] = process.argv.slice(2);
const numbers = [memberCount, leaseMs, heartbeatMs].map(Number);
if (servers === '' || cluster === '' || pool === '' || !numbers.every((number) => number > 0)) {
  console.error('usage: publishers-process.ts URL CLUSTER POOL MEMBERS LEASE_MS HEARTBEAT_MS');
  process.exit(2);
}
const [count, lease, heartbeat] = numbers as [number, number, number];

const terminated = once(process, 'SIGTERM');
const connectionCount = Math.ceil(count / MEMBERS_PER_CONNECTION);
const publishers = Array.from({ length: connectionCount }, (_, index) =>
  openPublisher({ servers, cluster, name: `bench-publishers:${index}` }),
);
const joinedAll = Promise.all(publishers.map((publisher, index) => joinEvery(publisher, index)));
await Promise.race([terminated, joinedAll.then(() => console.log('joined'))]);
await terminated;
await Promise.all(publishers.map((publisher) => publisher.close('the benchmark is over')));

/** The members `index`, `index + connections`, …, a bounded number at a time. */
async function joinEvery(publisher: (typeof publishers)[number], index: number): Promise<void> {
  let next = index;
  const joinSome = async () => {
    for (let member = next; member < count; member = next) {
      next += connectionCount;
      await joinOne(publisher, member);
    }
  };
  await Promise.all(Array.from({ length: JOINING_MAX }, joinSome));
}

async function joinOne(publisher: (typeof publishers)[number], member: number): Promise<void> {
  const target = `127.${1 + (member >> 16)}.${(member >> 8) & 255}.${member & 255}:9`;
  const joined = await publisher.join({ pool, id: `m-${member}`, target, leaseMs: lease, heartbeatMs: heartbeat });
  void (async () => {
    for await (const { state } of joined.changes()) {
      if (state !== 'registered' && state !== 'left') console.log(`m-${member} is ${state}`);
    }
  })();
}
