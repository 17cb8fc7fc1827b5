/**
 * What choosing a backend costs a worker: for one pick by each policy (`policy-picks.ts`), and with `round_robin` for one
 * connection, and for the connection after a change. The set is made anew at the first pick after a change, O(backends),
 * however many changes there were in between.
 *
 * The worker's data plane is given a transport without a network: it accepts, and its dials fail at once. So a figure is
 * all of a connection's JavaScript (accept, pick, dial, count, close) and nothing of the kernel's, and what differs
 * between two sizes of a pool is the pick. The share is that of a worker that folds 200 changes a second and picks after
 * each: the worst case, since several changes without a pick make one set.
 */
import { emptyRoster, fold, type Roster } from '@muster/membership';
import { DataPlane } from '@muster/proxy';
import type { Transport } from '@muster/transport';
import { machineText, median } from '../figures/figures.ts';
import { targetOf } from './fold.ts';
import { printPolicyPicks } from './policy-picks.ts';

export const selectionUsage = 'selection   what a pick costs, and a change before it';

const SIZES = [2, 100, 10_000];
const ROUNDS = 5;
const CONNECTIONS = 50_000;
const CHANGES = 400;
const CHANGES_PER_SECOND = 200;

export async function selectionBench(): Promise<void> {
  console.log(machineText());
  printPolicyPicks();
  console.log(
    '\n  backends   connection, equal weights   connection, weights 1 to 5   change + connection   share at 200/s',
  );
  for (const size of SIZES) {
    const equal = await microsecondsPerConnection(size, () => 1);
    const weighted = await microsecondsPerConnection(size, (index) => 1 + (index % 5));
    const changed = await microsecondsPerChange(size);
    const share = (changed * CHANGES_PER_SECOND) / 1e4;
    const cells = [equal, weighted, changed].map((value) => `${value.toFixed(2)} µs`);
    const [first = '', second = '', third = ''] = cells;
    console.log(
      `${`${size}`.padStart(10)}${first.padStart(28)}${second.padStart(29)}${third.padStart(22)}${`${share.toFixed(2)} %`.padStart(17)}`,
    );
  }
}

async function microsecondsPerConnection(size: number, weightOf: (index: number) => number): Promise<number> {
  using scene = await openScene(populated(size, weightOf));
  scene.connect();
  const rounds = Array.from({ length: ROUNDS }, () =>
    cpuMicroseconds(() => {
      for (let count = 0; count < CONNECTIONS; count++) scene.connect();
    }),
  );
  return median(rounds) / CONNECTIONS;
}

async function microsecondsPerChange(size: number): Promise<number> {
  let roster = populated(size, () => 1);
  using scene = await openScene(roster);
  const total = cpuMicroseconds(() => {
    for (let change = 0; change < CHANGES; change++) {
      const mode = (change >> 1) % 2 === 0 ? 'drain' : 'ready';
      roster = after(roster, `backend.p.b-${change % size}`, { type: 'BackendModeSet', mode });
      scene.show(roster);
      scene.connect();
    }
  });
  return total / CHANGES;
}

function cpuMicroseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

type AcceptedLeg = Parameters<Parameters<Transport['listen']>[1]['onAccepted']>[0];
type DialOwner = Parameters<Transport['dial']>[1];

/** A data plane whose clients and backends are this file. */
async function openScene(roster: Roster) {
  let accept: (leg: AcceptedLeg) => void = () => undefined;
  const dialling: DialOwner[] = [];
  const transport: Transport = {
    name: 'socket',
    listen: (_handle, { onAccepted }) => {
      accept = onAccepted;
      return Promise.resolve({ ok: true, acceptor: { close: () => undefined, finish: (onClosed) => onClosed() } });
    },
    dial: (_address, owner) => {
      dialling.push(owner);
      return { close: () => undefined };
    },
  };
  const proxy = new DataPlane({ transport });
  const show = (newest: Roster) => proxy.update({ roster: newest, node: 'lb-1', pending: new Map() });
  show(roster);
  const spec = { bind: '127.0.0.1:0', protocol: 'tcp', pool: 'p', idleTimeoutMs: 60_000 } as const;
  await proxy.openListener('web', spec, {});
  return {
    show,
    connect: () => {
      accept(silentLeg());
      // Nobody was dialled where the set is empty.
      dialling.pop()?.onConnectFailed('ECONNREFUSED');
    },
    [Symbol.dispose]: () => proxy.close(),
  };
}

function silentLeg(): AcceptedLeg {
  const nothing = () => undefined;
  return {
    owner: null,
    start: nothing,
    write: () => 'taken',
    writeText: () => 'taken',
    pause: nothing,
    resume: nothing,
    rest: nothing,
    isPeerGone: () => false,
    end: nothing,
    close: nothing,
    reset: nothing,
    peerAddress: () => '127.0.0.1',
  };
}

function populated(size: number, weightOf: (index: number) => number): Roster {
  let roster = after(emptyRoster('bench'), 'pool.p', { type: 'PoolDefined', connectAttempts: 1 });
  for (let index = 0; index < size; index++) {
    const event = { type: 'BackendRegistered', target: targetOf(index), weight: weightOf(index) };
    roster = after(roster, `backend.p.b-${index}`, event);
  }
  return roster;
}

function after(roster: Roster, entity: string, event: object): Roster {
  const recorded = { revision: roster.revision + 1, timeMs: 0, id: '', origin: null };
  return fold(roster, { ...recorded, subject: `muster.bench.${entity}`, payload: JSON.stringify(event) }).roster;
}
