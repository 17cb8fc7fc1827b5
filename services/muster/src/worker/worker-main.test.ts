/** A worker as it ships, a process of its own: what it tells of the requests that it served, to whom. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { WorkerMessage, WorkerReport } from '@muster/actors';
import { emptyRoster, encodeSnapshot, fold, type ListenerSpec, type MembershipEventInput } from '@muster/membership';
import { bindSharedSocket } from '@muster/transport';
import { expect, test } from 'vitest';
import type { DecisionOrder, DecisionReport } from '@muster/questions/decisions/decision-question';
import type { WorkerStats } from '@muster/metrics';

/** What a node gives each of its workers: every target may be dialled. */
const TARGETS = JSON.stringify({ allow: [], only: null, deny: [], isNearGuarded: false });
const GUARDED = ['--targets', TARGETS, '--loop-mark', 'chance'];

const WORKER_MAIN = fileURLToPath(new URL('worker-main.ts', import.meta.url));

type Told = WorkerReport | DecisionReport;

class WorkerHarness implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #told: Told[] = [];
  readonly #waiting = new Set<() => void>();
  /** Where its listener is. */
  port = 0;

  constructor() {
    const args = ['--node', 'lb-1', '--index', '2', '--max-connections', '100', ...GUARDED];
    this.child = fork(WORKER_MAIN, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    this.child.on('message', (message) => {
      this.#told.push(message as Told);
      for (const wake of this.#waiting) wake();
    });
  }

  /** With pool `spells` of these targets, and listener `web` that leads to it. */
  async start(targets: readonly string[], accessLog: ListenerSpec['accessLog']): Promise<void> {
    const bound = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    if (!bound.ok) throw new Error(bound.code);
    this.port = bound.socket.boundPort!;
    await this.told('started');
    this.send({ kind: 'roster', snapshot: snapshotOf(targets), pending: [] });
    const bind = `127.0.0.1:${this.port}`;
    const spec = { bind, protocol: 'http', pool: 'spells', idleTimeoutMs: 60_000, accessLog } as ListenerSpec;
    this.child.send(
      { kind: 'listen', listener: { id: 'web', spec, revision: 1 } } satisfies WorkerMessage,
      bound.socket.handle as never,
    );
    await this.told('listening');
    bound.socket.close();
  }

  send(message: WorkerMessage | DecisionOrder): void {
    this.child.send(message);
  }

  /** The first of that kind, from now on or before, that is so; it is not told again. */
  async told<Kind extends Told['kind']>(
    kind: Kind,
    isSo: (told: Extract<Told, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<Told, { kind: Kind }>> {
    for (;;) {
      const at = this.#told.findIndex((told) => told.kind === kind && isSo(told as Extract<Told, { kind: Kind }>));
      if (at >= 0) return this.#told.splice(at, 1)[0] as Extract<Told, { kind: Kind }>;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

function snapshotOf(targets: readonly string[]): string {
  const events: [string, MembershipEventInput][] = [
    ['pool.spells', { type: 'PoolDefined' }],
    ...targets.map((target, index): [string, MembershipEventInput] => [
      `backend.spells.b-${index}`,
      { type: 'BackendRegistered', target },
    ]),
  ];
  let roster = emptyRoster('test');
  for (const [index, [subject, event]] of events.entries()) {
    const recorded = { revision: index + 1, timeMs: 1, id: `e-${index}`, origin: null };
    roster = fold(roster, { ...recorded, subject: `muster.test.${subject}`, payload: JSON.stringify(event) }).roster;
  }
  return encodeSnapshot(roster);
}

async function startBackend(listener: RequestListener): Promise<AsyncDisposable & { readonly target: string }> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Nobody listens on that port: it was just given back. */
async function freeTarget(): Promise<string> {
  await using backend = await startBackend(() => undefined);
  return backend.target;
}

function asked(port: number, head: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(head);
  return text(socket);
}

test('a request is a line, a count and a decision', async () => {
  await using backend = await startBackend((_request, response) => response.end('a spell'));
  await using worker = new WorkerHarness();
  const lines = createInterface(worker.child.stdout!)[Symbol.asyncIterator]();
  const nextLine = async () => JSON.parse((await lines.next()).value as string) as Record<string, unknown>;
  await worker.start([await freeTarget(), backend.target], 'all');

  const head = 'GET /spells?token=secret HTTP/1.1\r\nhost: spells.test\r\nx-request-id: r-1\r\n\r\n';
  expect(await asked(worker.port, head)).toContain('a spell');
  expect(await asked(worker.port, 'GET / HTTP/1.1\r\n\r\n')).toContain('400 Bad Request');
  const attempts = [
    { backend: 'b-0', outcome: 'connect_failed', headMs: null, revision: 3 },
    { backend: 'b-1', target: backend.target, outcome: 'answered', isReused: false, detail: null },
  ];
  const line = await nextLine();
  expect(line).toMatchObject({ node: 'lb-1', worker: 2, level: 30, listener: 'web', pool: 'spells', attempts });
  expect(line).toMatchObject({ requestId: 'r-1', path: '/spells', queryBytes: 12, status: 200, client: '127.0.0.1' });
  expect(line['msg']).toMatch(/^GET \/spells 200 in [\d.]+ ms by b-1$/);
  expect(await nextLine()).toMatchObject({ level: 40, listener: 'web', client: '127.0.0.1', reason: 'host_missing' });

  worker.send({ kind: 'find-decisions', id: 7, query: { requestId: 'r-1', limit: 5, withCandidates: true } });
  const { id, decisions } = await worker.told('decisions-found');
  expect(id).toBe(7);
  expect(decisions).toMatchObject([{ requestId: 'r-1', path: '/spells', status: 200, attempts: [{}, {}] }]);
  expect(decisions[0]!.attempts[1]).toMatchObject({ triedIds: ['b-0'], candidates: [{ id: 'b-0' }, { id: 'b-1' }] });

  const isCounted = ({ stats }: { readonly stats: unknown }) => (stats as WorkerStats).accessLog.written === 2;
  const { http, pools } = (await worker.told('stats', isCounted)).stats as WorkerStats;
  expect(http.pools).toMatchObject([
    { listener: 'web', pool: 'spells', backends: ['b-1'], requests: [0, 0, 1, 0, 0, 0], retries: 1 },
  ]);
  expect(http.refusedHeads).toEqual({ web: { host_missing: 1 } });
  expect(pools['spells']).toMatchObject({ connectFailures: 1, now: { requestsInFlight: 0 } });
});

test('a worker that is told to drain writes its last lines, and hands over its last decisions, before it ends', async () => {
  await using backend = await startBackend((_request, response) => response.writeHead(503).end());
  await using worker = new WorkerHarness();
  const output = text(worker.child.stdout!);
  await worker.start([backend.target], 'errors');
  worker.send({ kind: 'record-decisions', forMs: 60_000 });
  // An answer means that the order before it was heard, too.
  worker.send({ kind: 'find-decisions', id: 1, query: { requestId: null, limit: 1, withCandidates: false } });
  await worker.told('decisions-found');
  const response = await fetch(`http://127.0.0.1:${worker.port}/`);
  expect([response.status, await response.text()]).toEqual([503, '']);
  worker.send({ kind: 'drain', timeoutMs: 0 });
  await once(worker.child, 'exit');
  expect((await output).trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(await output)).toMatchObject({ status: 503, termination: 'finished', level: 40 });
  const { decisions, droppedCount } = await worker.told('decisions-recorded');
  expect(droppedCount).toBe(0);
  expect(decisions).toMatchObject([{ status: 503, attempts: [{ backend: 'b-0', candidates: [{ id: 'b-0' }] }] }]);
});
