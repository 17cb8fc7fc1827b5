/**
 * A worker with nothing but its data plane, for tests that are hard on it: `node relay-worker-process.ts TARGET`. A message
 * with a socket names a listener to open; the message `stats` asks for the counters.
 */
import { emptyRoster, fold, type MembershipEventInput } from '@muster/membership';
import { DataPlane } from '@muster/proxy';

const [target = ''] = process.argv.slice(2);
const events: readonly [string, MembershipEventInput][] = [
  ['muster.test.pool.p', { type: 'PoolDefined' }],
  ['muster.test.backend.p.a', { type: 'BackendRegistered', target }],
];
let roster = emptyRoster('test');
for (const [index, [subject, event]] of events.entries()) {
  const recorded = { revision: index + 1, timeMs: Date.now(), id: `e-${index}`, origin: null, subject };
  roster = fold(roster, { ...recorded, payload: JSON.stringify(event) }).roster;
}
const proxy = new DataPlane({});
proxy.update({ roster, node: 'n', pending: new Map() });

process.on('message', async (id: string, handle) => {
  if (id === 'stats') return void process.send!(proxy.stats());
  const spec = { bind: '127.0.0.1:0', protocol: 'tcp', pool: 'p', idleTimeoutMs: 60_000 } as const;
  const outcome = await proxy.openListener(id, spec, handle as object);
  process.send!({ ...outcome, process: process.pid });
});
