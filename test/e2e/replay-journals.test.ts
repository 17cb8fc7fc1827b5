/**
 * Replay on the journals that nodes use: a file, and a stream of a real NATS server. Any revision's roster is the full fold's, and what
 * was damaged behind the journal's back is refused by its revision.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Journal } from '@muster/journal';
import { openEmbeddedJournal } from '@muster/journal-embedded';
import { openJetStreamJournal } from '@muster/journal-jetstream';
import { emptyRoster, encodeSnapshot, fold, rosterHash, type Roster } from '@muster/membership';
import { openNatsLink } from '@muster/nats';
import { newestNatsServer, startNatsServer } from '@muster/nats-server';
import type { HashPoint } from '@muster/observations';
import { createReplay, diffView, stateView, type ReplaySource } from '@muster/replay';
import { expect, test } from 'vitest';

const CLUSTER = 'past';
const EVENTS = 400;
const NATS = await newestNatsServer();

/** A pool of ten backends that are drained and made ready again, by turns. */
async function appendHistory(journal: Journal): Promise<void> {
  for (let index = 0; index < EVENTS; index++) {
    const backend = `backend.p.b-${index % 10}`;
    const mode = { type: 'BackendModeSet', mode: index % 3 === 0 ? 'drain' : 'ready', reason: `turn ${index}` };
    const registered = { type: 'BackendRegistered', target: `10.0.0.${index}:80` };
    const [entity, event] =
      index === 0 ? ['pool.p', { type: 'PoolDefined' }] : [backend, index <= 10 ? registered : mode];
    const subject = `muster.${CLUSTER}.${entity}`;
    const answer = await journal.append({ id: `e-${index}`, subject, origin: 'test', payload: JSON.stringify(event) });
    expect(answer.outcome).toBe('appended');
  }
}

/** What a node leaves behind: a hash at every revision, and a snapshot now and then. */
async function foldAll(journal: Journal): Promise<{ rosters: Map<number, Roster>; points: HashPoint[] }> {
  const { epoch } = await journal.head();
  const rosters = new Map<number, Roster>();
  const points: HashPoint[] = [];
  let roster = emptyRoster(CLUSTER);
  for await (const event of journal.read()) {
    roster = fold(roster, event).roster;
    const { revision, timeMs } = roster;
    const hash = rosterHash(roster);
    rosters.set(revision, roster);
    points.push({ kind: 'hash', timeMs, node: 'lb-1', epoch, revision, hash });
    if (revision % 150 === 0) await journal.saveSnapshot({ epoch, revision, hash, data: encodeSnapshot(roster) });
  }
  return { rosters, points };
}

function sourceOf(journal: Journal, points: readonly HashPoint[]): ReplaySource {
  return {
    name: 'the journal',
    cluster: CLUSTER,
    node: 'lb-1',
    head: () => journal.head(),
    read: (options) => journal.read(options),
    loadSnapshot: (atOrBefore) => journal.loadSnapshot(atOrBefore),
    async *observations({ fromMs = 0 } = {}) {
      for (const point of points) if (point.timeMs >= fromMs) yield point;
    },
    observedSinceMs: async () => points[0]?.timeMs ?? null,
  };
}

async function expectEveryRevision(journal: Journal): Promise<ReplaySource> {
  const { rosters, points } = await foldAll(journal);
  const source = sourceOf(journal, points);
  for (const [revision, roster] of rosters) {
    if (revision % 7 !== 0) continue;
    const past = await createReplay(source, { checkpoints: { spacingRevisions: 50 } }).rosterAt(revision);
    expect([rosterHash(past.roster), past.check.outcome]).toEqual([rosterHash(roster), 'checked']);
  }
  const replay = createReplay(source);
  expect(await replay.verify()).toMatchObject({ comparedCount: EVENTS, check: { outcome: 'checked' } });
  const byId = await replay.resolve('e-200', Date.now());
  expect(byId.event).toMatchObject({ id: 'e-200', type: 'BackendModeSet', reason: 'turn 200' });
  const now = await replay.resolve('now', Date.now());
  expect((await replay.resolve(new Date(now.timeMs).toISOString(), Date.now() + 1)).revision).toBe(now.revision);
  expect((await stateView(replay, now)).pools[0]!.backends).toHaveLength(10);
  const { changes } = await diffView(replay, { from: byId, to: now });
  expect(changes).toHaveLength(10);
  for (const { by } of changes) expect(by!.revision).toBeGreaterThan(byId.revision);
  return source;
}

test('a journal in a file, and a byte changed, an event removed in it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-replay-'));
  const path = join(folder, 'node.journal');
  try {
    let points: readonly HashPoint[];
    {
      await using journal = await openEmbeddedJournal({ path });
      await appendHistory(journal);
      await expectEveryRevision(journal);
      ({ points } = await foldAll(journal));
    }
    const damaged = async (sql: string): Promise<unknown> => {
      const file = new DatabaseSync(path);
      file.exec(sql);
      file.close();
      await using journal = await openEmbeddedJournal({ path });
      return await createReplay(sourceOf(journal, points)).rosterAt(EVENTS);
    };
    // The journal itself proves its events, before any recorded hash is looked at.
    const change = `UPDATE events SET payload = replace(payload, 'turn 379', 'turn 378') WHERE revision = 380`;
    await expect(damaged(change)).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining('event 380 is not the one that was recorded') as string,
    });
    await expect(damaged('DELETE FROM events WHERE revision = 370')).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining('event 370 is missing') as string,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a stream of a NATS server, and some events purged from it', async () => {
  if ('unavailable' in NATS) throw new Error(NATS.unavailable);
  const folder = await mkdtemp(join(tmpdir(), 'muster-replay-'));
  try {
    await using server = await startNatsServer({ program: NATS, folder, configLines: '' });
    const link = openNatsLink({ servers: [server.url], name: 'replay-test' });
    const connection = await link.connected();
    const journal = await openJetStreamJournal({ link, cluster: CLUSTER, replicas: 1 });
    await appendHistory(journal);
    const source = await expectEveryRevision(journal);
    const { streams } = await jetstreamManager(connection, { checkAPI: false });
    // The newest snapshot before the end is at 300; the first event of this backend after it is 306.
    await streams.purge(`muster-${CLUSTER}`, { filter: `muster.${CLUSTER}.backend.p.b-5` });
    await expect(createReplay(source).rosterAt(EVENTS)).rejects.toMatchObject({ code: 'gap', revision: 306 });
    await journal.close();
    await link.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
