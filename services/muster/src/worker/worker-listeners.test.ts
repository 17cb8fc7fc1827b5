/** When a worker's listeners open, what they say while their filters cannot be loaded, and that they never serve without them. */
import type { WorkerReport } from '@muster/actors';
import { listenerSpecSchema, type ListenerSpec } from '@muster/membership';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WorkerListeners } from './worker-listeners.ts';

const FILTER = 'export default { logging() {} };';

function specOf(changes: Partial<ListenerSpec> = {}): ListenerSpec {
  return listenerSpecSchema.parse({ bind: '127.0.0.1:0', protocol: 'http', pool: 'p', ...changes });
}

/** Listeners whose data plane only writes down what it is told, with the filters that it would find then. */
class Bench implements AsyncDisposable {
  readonly folder: string;
  readonly told: string[] = [];
  readonly listeners: WorkerListeners;
  readonly socket = { close: () => void this.told.push('socket closed') };
  #onTold = Promise.withResolvers<void>();

  constructor(folder: string) {
    this.folder = folder;
    const say = (what: string, spec: ListenerSpec) =>
      this.#tell(
        `${what} ${spec.pool} ${spec.filters === undefined ? 'bare' : (this.listeners.filtersOf(spec)?.count ?? 'NO')}`,
      );
    const proxy = {
      openListener: async (_id: string, spec: ListenerSpec) => (say('opened', spec), { ok: true as const }),
      updateListener: (_id: string, spec: ListenerSpec) => say('updated', spec),
      closeListener: (id: string) => this.#tell(`closed ${id}`),
      resumeListener: (id: string) => this.#tell(`resumed ${id}`),
    };
    const report = (said: WorkerReport) =>
      this.#tell(said.kind === 'listen-failed' ? `failed: ${said.reason}` : said.kind);
    this.listeners = new WorkerListeners({ proxy: () => proxy, configFolder: folder, report, retryMinMs: 1 });
  }

  static async create(): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), 'muster-worker-')));
  }

  write(name: string, text = FILTER): Promise<void> {
    return writeFile(join(this.folder, name), text);
  }

  /** Waits until so much was told. */
  async said(count: number): Promise<string[]> {
    while (this.told.length < count) await this.#onTold.promise;
    return this.told.map((line) => line.replaceAll(this.folder, 'CONF'));
  }

  #tell(line: string): void {
    this.told.push(line);
    this.#onTold.resolve();
    this.#onTold = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listeners.close();
    await rm(this.folder, { recursive: true });
  }
}

const MISSING =
  "filter ./a.ts does not exist on this node: it was looked for as CONF/a.ts, in the folder of the node's config";

test('without filters a listener opens, and another spec holds, within the call', async () => {
  await using bench = await Bench.create();
  bench.listeners.listen({ id: 'web', spec: specOf(), revision: 1 }, bench.socket);
  expect(bench.told).toEqual(['opened p bare']);
  bench.listeners.listen({ id: 'web', spec: specOf({ pool: 'q' }), revision: 2 }, null);
  expect(bench.told.slice(0, 2)).toEqual(['opened p bare', 'updated q bare']);
  expect(await bench.said(3)).toContain('listening');
});

test('with filters it opens once they are loaded', async () => {
  await using bench = await Bench.create();
  await bench.write('a.ts');
  bench.listeners.listen({ id: 'web', spec: specOf({ filters: ['./a.ts', './a.ts'] }), revision: 3 }, bench.socket);
  expect(bench.told).toEqual([]);
  expect(await bench.said(2)).toEqual(['opened p 2', 'listening']);
});

test('what cannot be loaded is told once, tried again, and opens when it can be', async () => {
  await using bench = await Bench.create();
  bench.listeners.listen({ id: 'web', spec: specOf({ filters: ['./a.ts'] }), revision: 4 }, bench.socket);
  expect(await bench.said(1)).toEqual([`failed: ${MISSING}`]);
  await bench.write('a.ts');
  expect((await bench.said(3)).slice(1)).toEqual(['opened p 1', 'listening']);
});

test('a listener that is open goes on as it was until its new filters load', async () => {
  await using bench = await Bench.create();
  bench.listeners.listen({ id: 'web', spec: specOf(), revision: 5 }, bench.socket);
  await bench.said(2);
  bench.listeners.listen({ id: 'web', spec: specOf({ pool: 'q', filters: ['./a.ts'] }), revision: 6 }, null);
  expect((await bench.said(3))[2]).toBe(`failed: ${MISSING}; it goes on as it was defined before`);
  await bench.write('a.ts');
  expect((await bench.said(5)).slice(3)).toEqual(['updated q 1', 'listening']);
});

test('a newer definition takes the place of one that is still being loaded', async () => {
  await using bench = await Bench.create();
  await bench.write('a.ts');
  bench.listeners.listen({ id: 'web', spec: specOf({ filters: ['./a.ts'] }), revision: 7 }, bench.socket);
  bench.listeners.listen({ id: 'web', spec: specOf({ pool: 'q', filters: ['./a.ts'] }), revision: 8 }, null);
  bench.listeners.listen({ id: 'web', spec: specOf({ pool: 'r', filters: ['./a.ts'] }), revision: 9 }, null);
  expect(await bench.said(2)).toEqual(['opened r 1', 'listening']);
});

test('one that is removed before it could open gives the socket up, and never opens', async () => {
  await using bench = await Bench.create();
  bench.listeners.listen({ id: 'web', spec: specOf({ filters: ['./a.ts'] }), revision: 10 }, bench.socket);
  await bench.said(1);
  bench.listeners.unlisten('web', 0);
  await bench.write('a.ts');
  bench.listeners.listen({ id: 'other', spec: specOf({ filters: ['./a.ts'] }), revision: 11 }, bench.socket);
  expect((await bench.said(5)).slice(1)).toEqual(['socket closed', 'closed web', 'opened p 1', 'listening']);
});
