/** The store on a real disk: what it keeps, what it removes, and what damage, other readers and a disk that refuses cost. */
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { observation } from '../testing/generated-observations.ts';
import type { HashPoint, Observation, ObservationSource } from './observation.ts';
import { isWanted, ObservationReader, type ObservationDamage } from './observation-reader.ts';
import { openObservationStore, type ObservationStoreOptions } from './observation-store.ts';

const MEBIBYTE = 1_048_576;
const START_MS = 1_700_000_000_000;
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-observations-'));
  folders.push(folder);
  return join(folder, 'observations');
}

class Log {
  readonly lines: string[] = [];
  readonly info = (_: object, text: string) => void this.lines.push(`info ${text}`);
  readonly warn = (_: object, text: string) => void this.lines.push(`warn ${text}`);
  readonly error = (_: object, text: string) => void this.lines.push(`error ${text}`);
}

async function openAt(path: string, options: Partial<ObservationStoreOptions> = {}) {
  const log = new Log();
  const store = openObservationStore({ path, log, flushIntervalMs: 60_000, ...options });
  await store.flush();
  return { path, log, store, [Symbol.asyncDispose]: () => store.close() };
}

const hashAt = (revision: number, timeMs = START_MS + revision): HashPoint => {
  const hash = `${(revision * 2_654_435_761) % 4_294_967_296}-${(revision * 40_503) % 65_536}`;
  return { kind: 'hash', timeMs, node: 'lb-1', epoch: 'epoch-1', revision, hash };
};

async function all(source: ObservationSource, query = {}): Promise<Observation[]> {
  const observations: Observation[] = [];
  for await (const one of source.observations(query)) observations.push(one);
  return observations;
}

async function revisions(source: ObservationSource): Promise<number[]> {
  return (await all(source)).map((one) => (one as HashPoint).revision);
}

/** Writes so many frames of so many revisions, from 1 on; returns the newest revision. */
async function fill(store: ReturnType<typeof openObservationStore>, frames: number, perFrame: number): Promise<number> {
  let revision = 0;
  for (let frame = 0; frame < frames; frame++) {
    for (let index = 0; index < perFrame; index++) store.add(hashAt(++revision));
    await store.flush();
  }
  return revision;
}

test('everything comes back as it was, in order, also from the next process and to whoever only reads', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(observation), { maxLength: 4 }), async (frames) => {
      const path = await newFolder();
      for (const frame of frames) {
        await using opened = await openAt(path);
        for (const one of frame) opened.store.add(one);
        await opened.store.flush();
      }
      expect(await all(new ObservationReader({ path }))).toEqual(frames.flat());
      await using again = await openAt(path);
      expect(await all(again.store)).toEqual(frames.flat());
      const sinceMs = frames
        .find((frame) => frame.length > 0)
        ?.map((one) => ('sinceMs' in one ? one.sinceMs : one.timeMs));
      expect(await again.store.observedSinceMs()).toBe(sinceMs === undefined ? null : Math.min(...sinceMs));
    }),
    { numRuns: 20 },
  );
});

test('a query narrows by time, kind, pool and backend', async () => {
  const queries = fc.record(
    {
      fromMs: fc.constantFrom(START_MS + 20_000, START_MS + 70_000),
      toMs: fc.constantFrom(START_MS + 50_000, START_MS + 90_000),
      kinds: fc.constantFrom(['probe' as const], ['hash' as const, 'turned' as const], ['lost' as const]),
      pool: fc.constantFrom('p', 'q'),
      backend: fc.constantFrom('b-1', 'b-2'),
    },
    { requiredKeys: [] },
  );
  await using opened = await openAt(await newFolder());
  const kept: Observation[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(observation, { maxLength: 20 }), queries, async (added, query) => {
      for (const one of added) opened.store.add(one);
      kept.push(...added);
      expect(await all(opened.store, query)).toEqual(kept.filter((one) => isWanted(one, query)));
    }),
    { numRuns: 30 },
  );
});

test('what was added is written within the interval, without being asked', async () => {
  const { path, store } = await openAt(await newFolder(), { flushIntervalMs: 1 });
  store.add(hashAt(1));
  const reader = new ObservationReader({ path });
  await expect.poll(() => revisions(reader), { interval: 2 }).toEqual([1]);
  await store.close();
});

test('half a frame at the end of a file is dropped, and whoever writes next begins a file of its own', async () => {
  const { path, store } = await openAt(await newFolder());
  await fill(store, 2, 10);
  await store.close();
  const [name] = await readdir(path);
  await truncate(join(path, name!), (await stat(join(path, name!))).size - 7);
  await using next = await openAt(path);
  next.store.add(hashAt(100));
  expect(await revisions(next.store)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100]);
  expect(await readdir(path)).toHaveLength(2);
  expect(next.log.lines.join()).toMatch(/^info observations in .*00000001.observations are passed over: .* are torn$/);
});

test('a frame being written at the end of the newest file is nothing to speak of', async () => {
  const { path, store } = await openAt(await newFolder());
  await fill(store, 2, 10);
  await store.close();
  const [name] = await readdir(path);
  await truncate(join(path, name!), (await stat(join(path, name!))).size - 7);
  const damages: ObservationDamage[] = [];
  expect(await revisions(new ObservationReader({ path, onDamage: (one) => damages.push(one) }))).toHaveLength(10);
  expect(damages).toEqual([]);
});

test('a damaged frame is passed over and said, and those around it are read', async () => {
  const { path, store } = await openAt(await newFolder());
  await fill(store, 1, 10);
  const firstBytes = store.status().bytes;
  for (let revision = 11; revision <= 20; revision++) store.add(hashAt(revision));
  await store.flush();
  for (let revision = 21; revision <= 30; revision++) store.add(hashAt(revision));
  await store.close();
  const file = join(path, (await readdir(path))[0]!);
  const bytes = await readFile(file);
  bytes[firstBytes + 40]! ^= 1;
  await writeFile(file, bytes);
  await using damaged = await openAt(path);
  const kept = [...Array(30).keys()].map((index) => index + 1).filter((revision) => revision <= 10 || revision > 20);
  expect(await revisions(damaged.store)).toEqual(kept);
  expect(damaged.log.lines).toEqual([
    expect.stringMatching(/^warn .*00000001.observations are passed over: \d+ bytes at \d+ are damaged/),
  ]);
});

test('where the frame of names is damaged, what needs them is lost and said', async () => {
  const { path, store } = await openAt(await newFolder());
  await fill(store, 1, 10);
  await store.close();
  const file = join(path, (await readdir(path))[0]!);
  const bytes = await readFile(file);
  bytes[33]! ^= 1;
  await writeFile(file, bytes);
  const damages: ObservationDamage[] = [];
  expect(await revisions(new ObservationReader({ path, onDamage: (one) => damages.push(one) }))).toEqual([]);
  expect(damages.map(({ reason }) => reason)).toEqual(['damaged', 'names']);
});

test('the files never take more than they may, the oldest go first, and what stays is without a gap', async () => {
  const path = await newFolder();
  const { store } = await openAt(path, { bytesMax: MEBIBYTE });
  let newest = 0;
  let bytesPeak = 0;
  for (let frame = 0; frame < 120; frame++) {
    for (let index = 0; index < 1_500; index++) store.add(hashAt(++newest));
    await store.flush();
    bytesPeak = Math.max(bytesPeak, store.status().bytes);
  }
  const kept = await revisions(store);
  expect(bytesPeak).toBeLessThanOrEqual(MEBIBYTE);
  expect(bytesPeak).toBeGreaterThan(MEBIBYTE * 0.8);
  expect(kept.length).toBeLessThan(newest);
  expect(kept).toEqual(kept.map((_, index) => newest - kept.length + 1 + index));
  const sizes = await Promise.all((await readdir(path)).map(async (name) => (await stat(join(path, name))).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(store.status().bytes);
  expect(await store.observedSinceMs()).toBe(START_MS + kept[0]!);
  expect(store.status().sinceMs).toBe(START_MS + kept[0]!);
  await store.close();
});

test('a file is removed once the hours went by, of which a restart and a time without a process are no part', async () => {
  const path = await newFolder();
  let elapsedMs = 1_000;
  const clock = { hoursMax: 2, elapsedMs: () => elapsedMs };
  const first = await openAt(path, clock);
  first.store.add(hashAt(1));
  await first.store.close();
  const [old] = await readdir(path);
  const DAY_SECONDS = 86_400;
  await utimes(join(path, old!), Date.now() / 1_000 - 3 * DAY_SECONDS, Date.now() / 1_000 - 3 * DAY_SECONDS);
  await using second = await openAt(path, clock);
  second.store.add(hashAt(2));
  expect(await revisions(second.store)).toEqual([1, 2]);
  // A segment ends after a twenty-fourth of the hours, and so much the first one is older than the second at most.
  elapsedMs += 6 * 60_000;
  for (const revision of [3, 4]) {
    second.store.add(hashAt(revision));
    expect(await revisions(second.store)).toContain(1);
  }
  elapsedMs += 2 * 3_600_000 - 8 * 60_000;
  second.store.add(hashAt(5));
  expect(await revisions(second.store)).toEqual([2, 3, 4, 5]);
  elapsedMs += 2 * 3_600_000 + 1;
  second.store.add(hashAt(6));
  expect(await revisions(second.store)).toEqual([4, 5, 6]);
});

test.each([30, -30])(
  'a clock that is set by %i days removes nothing, neither at once nor after a restart',
  async (days) => {
    const path = await newFolder();
    let nowMs = Date.now();
    const now = () => nowMs;
    const first = await openAt(path, { now });
    first.store.add(hashAt(1));
    await first.store.flush();
    nowMs += days * 86_400_000;
    first.store.add(hashAt(2));
    expect(await revisions(first.store)).toEqual([1, 2]);
    await first.store.close();
    await using second = await openAt(path, { now });
    second.store.add(hashAt(3));
    expect(await revisions(second.store)).toEqual([1, 2, 3]);
    await second.store.close();
    await using third = await openAt(path, { now });
    third.store.add(hashAt(4));
    expect(await revisions(third.store)).toEqual([1, 2, 3, 4]);
  },
);

test('a reader may read while it is written, and files may be removed under it', async () => {
  const path = await newFolder();
  const { store } = await openAt(path, { bytesMax: MEBIBYTE });
  let newest = await fill(store, 20, 1_500);
  const reader = new ObservationReader({ path });
  const read: number[] = [];
  for await (const one of reader.observations()) {
    read.push((one as HashPoint).revision);
    if (read.length % 2_000 !== 0) continue;
    for (let index = 0; index < 20_000; index++) store.add(hashAt(++newest));
    await store.flush();
  }
  expect(read.length).toBeGreaterThan(2_000);
  expect(read).toEqual(read.toSorted((left, right) => left - right));
  await store.close();
});

test('a folder that cannot be written to costs observations and nothing else; that they were lost is kept once it can', async () => {
  const path = await newFolder();
  await writeFile(path, 'a file where the folder should be');
  const { store, log } = await openAt(path, { retryIntervalMs: 0 });
  store.add(hashAt(1));
  await store.flush();
  store.add(hashAt(2));
  await store.flush();
  expect(store.status()).toMatchObject({ keptCount: 0, lostCount: 2, bytes: 0 });
  expect(store.status().failure).toContain('ENOTDIR');
  expect(log.lines).toEqual([expect.stringMatching(/^error observations cannot be kept in .*ENOTDIR/)]);
  await rm(path);
  store.add(hashAt(3));
  expect(await all(store)).toEqual([
    { kind: 'lost', timeMs: START_MS + 2, sinceMs: START_MS + 1, count: 2 },
    hashAt(3),
  ]);
  expect(store.status()).toMatchObject({ keptCount: 1, lostCount: 2, failure: null });
  await store.close();
});

test('while the disk refuses, nothing is collected in memory', async () => {
  const path = await newFolder();
  await writeFile(path, '');
  const { store } = await openAt(path, { retryIntervalMs: 60_000 });
  for (let revision = 1; revision <= 1_000; revision++) store.add(hashAt(revision));
  await store.flush();
  expect(store.status()).toMatchObject({ keptCount: 0, lostCount: 1_000 });
  await store.close();
});

test('more than memory may hold while a frame is written is lost, counted and said', async () => {
  const { store } = await openAt(await newFolder());
  const addedCount = 310_000;
  for (let revision = 1; revision <= addedCount; revision++) store.add(hashAt(revision));
  await store.flush();
  const { keptCount, lostCount } = store.status();
  expect(lostCount).toBeGreaterThan(0);
  expect(keptCount + lostCount).toBe(addedCount);
  store.add(hashAt(addedCount + 1));
  const read = await all(store);
  expect(read.slice(-2)).toEqual([
    { kind: 'lost', timeMs: START_MS + addedCount, sinceMs: START_MS + keptCount + 1, count: lostCount },
    hashAt(addedCount + 1),
  ]);
  await store.close();
});

test('what is added after the close is lost, and counted', async () => {
  const { store } = await openAt(await newFolder());
  store.add(hashAt(1));
  await store.close();
  store.add(hashAt(2));
  expect(store.status()).toMatchObject({ keptCount: 1, lostCount: 1 });
});

/** A probe that failed in words that no other failed in. */
function strangeProbe(index: number): Observation {
  const about = { pool: 'p', backend: `b-${index % 7}`, target: `10.0.0.${index % 7}:80` };
  const reason = `${index} `.padEnd(1_000, 'x');
  return { kind: 'probe', timeMs: START_MS + index, ...about, passed: false, code: 'refused', reason, durationMs: 1 };
}

test('failures in ever other words take no more memory than a segment may have names, and are all there', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const opened = await openAt(await newFolder());
  await using store = opened.store;
  collect();
  const before = process.memoryUsage().heapUsed;
  const count = 30_000;
  for (let index = 0; index < count; index++) {
    store.add(strangeProbe(index));
    if (index % 500 === 0) await store.flush();
  }
  await store.flush();
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 * MEBIBYTE);
  expect(store.status()).toMatchObject({ keptCount: count, lostCount: 0 });
  const kept = await all(store, { fromMs: START_MS + count - 100 });
  expect(kept).toEqual(Array.from({ length: 100 }, (_, index) => strangeProbe(count - 100 + index)));
});

test('what waits is counted with its names, and what is beyond the room for it is lost and counted', async () => {
  const { store } = await openAt(await newFolder());
  const count = 20_000;
  for (let index = 0; index < count; index++) store.add(strangeProbe(index));
  await store.flush();
  const { keptCount, lostCount } = store.status();
  expect(keptCount + lostCount).toBe(count);
  // Some 2,200 bytes each: one frame that is being written, and 8 MiB behind it.
  expect(keptCount).toBeLessThan(6_000);
  await store.close();
});
