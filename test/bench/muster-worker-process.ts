/**
 * One worker's data plane alone, on a roster of one pool with one backend: `node muster-worker-process.ts PORT TARGET_PORT`.
 * `MUSTER_BENCH_TRANSPORT=socket` takes the fall-back on public sockets instead.
 */
import { emptyRoster, fold, type MembershipEventInput } from '@muster/membership';
import { bindSharedSocket, socketTransport, TcpProxy } from '@muster/proxy';

const [port, backendPort] = process.argv.slice(2).map(Number);

const events: readonly [string, MembershipEventInput][] = [
  ['muster.bench.pool.spells', { type: 'PoolDefined' }],
  ['muster.bench.backend.spells.spells-1', { type: 'BackendRegistered', target: `127.0.0.1:${backendPort}` }],
];
let roster = emptyRoster('bench');
for (const [index, [subject, event]] of events.entries()) {
  const recorded = { revision: index + 1, timeMs: Date.now(), id: `bench-${index}`, origin: null, subject };
  roster = fold(roster, { ...recorded, payload: JSON.stringify(event) }).roster;
}

const proxy = new TcpProxy(process.env['MUSTER_BENCH_TRANSPORT'] === 'socket' ? { transport: socketTransport } : {});
proxy.update({ roster, node: 'bench', pending: new Map() });
const bound = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port: port! });
if (!bound.ok) throw new Error(`Port ${port} could not be bound: ${bound.code}`);
const spec = { bind: `127.0.0.1:${port}`, protocol: 'tcp', pool: 'spells', idleTimeoutMs: 3_600_000 } as const;
const opened = await proxy.openListener('web', spec, bound.socket.handle);
if (!opened.ok) throw new Error(`The listener could not be opened: ${opened.reason}`);
