/** Incident files: what was written is read again, secrets are gone, and whatever is wrong with a file is said. */
import { appendFile, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  decodeSnapshot,
  emptyRoster,
  encodeSnapshot,
  fold,
  rosterHash,
  type RecordedEvent,
  type Roster,
} from '@muster/membership';
import { createMemoryJournal } from '@muster/journal';
import type { Observation, ObservationQuery } from '@muster/observations';
import { expect, test } from 'vitest';
import type { ReplaySource } from '../log/replay-source.ts';
import { openIncident, type Incident } from './incident-file.ts';
import { writeIncident, type IncidentSpan } from './incident-writer.ts';

const BEGAN_MS = 1_800_000_000_000;

interface Scene {
  readonly source: ReplaySource;
  readonly rosters: readonly Roster[];
}

type Published = readonly [subject: string, payload: string, origin?: string];

/** A journal with these events, a second apart, of which node lb-1 recorded every hash, and lb-2 a wrong one at revision 3. */
async function scene(events: readonly Published[], others: readonly Observation[] = []): Promise<Scene> {
  let nowMs = BEGAN_MS;
  const journal = createMemoryJournal({ now: () => (nowMs += 1_000), epoch: 'epoch-1' });
  for (const [index, [subject, payload, origin = 'cli:alice@host']] of events.entries()) {
    await journal.append({ id: `event-${index}`, subject: `muster.demo.${subject}`, origin, payload });
  }
  const rosters = [emptyRoster('demo')];
  const observations = [...others];
  for await (const event of journal.read()) {
    const { roster } = fold(rosters.at(-1)!, event);
    rosters.push(roster);
    const { revision, timeMs } = event;
    const point = { kind: 'hash', timeMs, epoch: 'epoch-1', revision } as const;
    observations.push({ ...point, node: 'lb-1', hash: rosterHash(roster) });
    if (revision === 3) observations.push({ ...point, node: 'lb-2', hash: '0000000000000001' });
  }
  const source: ReplaySource = {
    name: 'the journal of node lb-1',
    cluster: 'demo',
    node: 'lb-1',
    head: () => journal.head(),
    read: (options) => journal.read(options),
    loadSnapshot: (atOrBefore) => journal.loadSnapshot(atOrBefore),
    async *observations({ fromMs = 0, toMs = Infinity }: ObservationQuery = {}) {
      yield* observations.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
    },
    observedSinceMs: async () => BEGAN_MS,
  };
  return { source, rosters };
}

function span(rosters: readonly Roster[], from: number, to: number): IncidentSpan {
  const [base, last] = [rosters[from]!, rosters[to]!];
  return { base, fromMs: Math.max(base.timeMs, BEGAN_MS), toRevision: to, toMs: last.timeMs };
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function bytesOf(source: ReplaySource, wanted: IncidentSpan): Promise<Buffer> {
  const chunks = await all(writeIncident(source, wanted, { program: 'muster 0.1.0', madeMs: BEGAN_MS }));
  return Buffer.concat(chunks);
}

interface OpenScene extends AsyncDisposable {
  readonly incident: Incident;
  readonly path: string;
}

async function written(bytes: Uint8Array): Promise<OpenScene> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'muster-incident-'));
  const path = join(folder.path, 'a.muster');
  await writeFile(path, bytes);
  const incident = await openIncident(path);
  return {
    incident,
    path,
    async [Symbol.asyncDispose]() {
      await incident.close();
      await folder.remove();
    },
  };
}

/** Why a file of these bytes is refused; fails where it is not. */
async function refusal(bytes: Uint8Array): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-incident-'));
  const path = join(folder.path, 'a.muster');
  await writeFile(path, bytes);
  const opening = openIncident(path).then(
    async (incident) => {
      await incident.close();
      throw new Error('it was opened');
    },
    (error: unknown) => error as Error,
  );
  const error = await opening;
  expect(error).toMatchObject({ name: 'ReplayError', code: 'unreadable-file' });
  return error.message.replace(path, 'a.muster');
}

const POOL: Published = ['pool.p', '{"type":"PoolDefined","health":{"http":"/healthz?key=abc"}}', 'config:lb-1'];
const PLAIN_POOL: Published = ['pool.p', '{"type":"PoolDefined"}'];
const BACKEND: Published = ['backend.p.a', '{"type":"BackendRegistered","target":"10.0.0.1:80"}'];
const FLIP: Published = [
  'health.lb-1.p.a',
  '{"type":"BackendTurnedUnhealthy","target":"10.0.0.1:80","reason":"password=hunter2"}',
];
const DRAIN: Published = ['backend.p.a', '{"type":"BackendModeSet","mode":"drain","reason":"upgrade"}'];
const NONSENSE: Published = ['backend.p.b', '{"token":"abcdef"', 'nats://bob:secret@host'];

const PROBE: Observation = {
  kind: 'probe',
  timeMs: BEGAN_MS + 2_500,
  pool: 'p',
  backend: 'a',
  target: '10.0.0.1:80',
  passed: false,
  code: 'no_answer',
  reason: 'GET http://10.0.0.1/x?sig=12345678',
  durationMs: 2,
};

test('events, snapshot, hash points and observations are read as they were written', async () => {
  const { source, rosters } = await scene([PLAIN_POOL, BACKEND, DRAIN, BACKEND], [PROBE]);
  await using opened = await written(await bytesOf(source, span(rosters, 1, 4)));
  const { incident } = opened;
  expect(await incident.head()).toEqual({ epoch: 'epoch-1', revision: 4, firstRevision: 2 });
  const events = await all(source.read({ fromRevision: 2 }));
  expect(await all(incident.read())).toEqual(events);
  expect(await all(incident.read({ fromRevision: 3, toRevision: 3 }))).toEqual([events[1]]);
  expect(await all(incident.read({ fromTimeMs: events[2]!.timeMs }))).toEqual([events[2]]);
  expect((await incident.loadSnapshot())!.data).toBe(encodeSnapshot(rosters[1]!));
  expect(await incident.loadSnapshot(0)).toBeNull();
  const points = await all(incident.observations({ kinds: ['hash'] }));
  expect(points.map((point) => point.kind === 'hash' && [point.node, point.revision, point.hash])).toEqual([
    ['lb-1', 1, rosterHash(rosters[1]!)],
    ['lb-1', 2, rosterHash(rosters[2]!)],
    ['lb-1', 3, rosterHash(rosters[3]!)],
    ['lb-2', 3, '0000000000000001'],
    ['lb-1', 4, rosterHash(rosters[4]!)],
  ]);
  expect(await all(incident.observations({ pool: 'p', backend: 'a' }))).toHaveLength(1);
  expect(await all(incident.observations({ pool: 'q' }))).toEqual([]);
  expect(incident.about).toMatchObject({
    node: 'lb-1',
    eventsCount: 3,
    hashPointsCount: 5,
    agreedPointsCount: 4,
    disagreements: [
      { node: 'lb-2', revision: 3, recordedHash: '0000000000000001', foldedHash: rosterHash(rosters[3]!) },
    ],
    redactedEventsCount: 0,
  });
});

test('what lies before the beginning is compacted, as in a journal', async () => {
  const { source, rosters } = await scene([PLAIN_POOL, BACKEND, DRAIN]);
  await using opened = await written(await bytesOf(source, span(rosters, 2, 3)));
  await expect(all(opened.incident.read({ fromRevision: 2 }))).rejects.toMatchObject({ code: 'compacted' });
});

test('secrets are gone, verdicts and hash points hold, and the file says what was hidden', async () => {
  const events = [POOL, BACKEND, FLIP, NONSENSE, DRAIN];
  const { source, rosters } = await scene(events, [PROBE]);
  const bytes = await bytesOf(source, span(rosters, 1, 5));
  const text = gunzipSync(bytes).toString();
  for (const secret of ['abc', 'hunter2', 'abcdef', 'bob', '12345678']) expect(text).not.toContain(secret);
  await using opened = await written(bytes);
  const { incident } = opened;
  const { data } = (await incident.loadSnapshot())!;
  const read: RecordedEvent[] = await all(incident.read());
  expect(JSON.parse(data)).toMatchObject({ pools: [{ spec: { health: { http: '/healthz?key=***' } } }] });
  const decoded = decodeSnapshot(data);
  if (decoded.outcome !== 'decoded') throw new Error(decoded.message);
  const hashes = new Map<number, string>();
  let { roster } = decoded;
  for (const event of read) {
    ({ roster } = fold(roster, event));
    hashes.set(event.revision, rosterHash(roster));
  }
  expect(roster.rejectedCount).toBe(rosters[5]!.rejectedCount);
  const points = await all(incident.observations({ kinds: ['hash'] }));
  for (const point of points) {
    if (point.kind !== 'hash' || point.revision === 1) continue;
    const isRight = point.hash === hashes.get(point.revision);
    expect([point.node, isRight]).toEqual([point.node, point.node === 'lb-1']);
  }
  expect(incident.about).toMatchObject({
    redactedSpans: [[3, 4]],
    redactedEventsCount: 2,
    redactedObservationsCount: 1,
    isSnapshotRedacted: true,
    agreedPointsCount: 5,
  });
});

test('a file over many parts is read from any revision', async () => {
  const long = 'x'.repeat(450);
  const drain: Published = ['backend.p.a', `{"type":"BackendModeSet","mode":"drain","reason":"${long}"}`];
  const { source, rosters } = await scene([PLAIN_POOL, BACKEND, ...Array.from({ length: 2_000 }, () => drain)]);
  await using opened = await written(await bytesOf(source, span(rosters, 0, 2_002)));
  const { incident } = opened;
  for (const revision of [1, 500, 1_999, 2_002, 3]) {
    const [event] = await all(incident.read({ fromRevision: revision, toRevision: revision }));
    expect(event!.revision).toBe(revision);
  }
  expect(await all(incident.read())).toHaveLength(2_002);
});

test('a long file has snapshots in its middle, and the newest one before a moment is given', async () => {
  const drain: Published = ['backend.p.a', '{"type":"BackendModeSet","mode":"drain"}'];
  const { source, rosters } = await scene([PLAIN_POOL, BACKEND, ...Array.from({ length: 50_002 }, () => drain)]);
  await using opened = await written(await bytesOf(source, span(rosters, 1, 50_004)));
  const { incident } = opened;
  expect((await incident.loadSnapshot())!.revision).toBe(50_001);
  expect((await incident.loadSnapshot(50_001))!.data).toBe(encodeSnapshot(rosters[50_001]!));
  expect((await incident.loadSnapshot(50_000))!.revision).toBe(1);
  expect((await all(incident.read({ fromRevision: 50_000 }))).map(({ revision }) => revision)).toEqual([
    50_000, 50_001, 50_002, 50_003, 50_004,
  ]);
});

test('whoever has no muster can read it with gzip alone', async () => {
  const { source, rosters } = await scene([PLAIN_POOL, BACKEND]);
  const lines = gunzipSync(await bytesOf(source, span(rosters, 1, 2)))
    .toString()
    .trimEnd()
    .split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { kind: string }).kind)).toEqual([
    'incident',
    'snapshot',
    'event',
    'hash',
    'hash',
    'index',
    'end',
  ]);
});

test('a byte changed anywhere is noticed when the file is opened', async () => {
  const { source, rosters } = await scene([PLAIN_POOL, BACKEND, FLIP, DRAIN], [PROBE]);
  const bytes = await bytesOf(source, span(rosters, 1, 4));
  // Every third byte, which is every byte of a field that has more than two.
  for (let at = 0; at < bytes.length; at += 3) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1 << (at % 8);
    expect(await refusal(changed)).toContain('a.muster: it is');
  }
});

test.each([
  ['nothing', () => Buffer.alloc(0), /^a\.muster: it is no incident file; muster export writes one$/],
  ['a text', () => Buffer.from('hello'), /it is no incident file; muster/],
  ['other gzip', () => gzipSync('{"a":1}\n'), /it is no incident file, or its beginning is damaged; muster export/],
  [
    'a newer format',
    () => gzipSync('{"kind":"incident","format":2,"new":true}\n'),
    /it has format 2, and this version of muster reads 1; use the version that wrote it, or a newer one$/,
  ],
  [
    'the beginning',
    (whole: Buffer) => whole.subarray(0, -300),
    /^a\.muster: it is cut off: .*; export it, or copy it, again$/,
  ],
  ['one byte less', (whole: Buffer) => whole.subarray(0, -1), /it is cut off/],
  ['a part less', (whole: Buffer) => Buffer.concat([whole.subarray(0, 400), whole.subarray(440)]), /it is damaged/],
])('%s is refused in words', async (_name, change, expected) => {
  const { source, rosters } = await scene([PLAIN_POOL, BACKEND]);
  const message = await refusal(change(await bytesOf(source, span(rosters, 1, 2))));
  expect(message).toMatch(expected);
});

test('a byte too many is noticed, and so is a path without a file', async () => {
  const { source, rosters } = await scene([PLAIN_POOL, BACKEND]);
  await using opened = await written(await bytesOf(source, span(rosters, 1, 2)));
  await appendFile(opened.path, 'x');
  await expect(openIncident(opened.path)).rejects.toMatchObject({ code: 'unreadable-file' });
  expect((await readFile(opened.path)).at(-1)).toBe('x'.charCodeAt(0));
  await expect(openIncident(`${opened.path}.none`)).rejects.toThrow(/there is no such file/);
  await expect(openIncident(tmpdir())).rejects.toThrow(/it is not a file/);
});
