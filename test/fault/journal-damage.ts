/**
 * Damages of an embedded journal, by kind, place and seed, and what becomes of each: whoever opens the journal afterwards has the right
 * state, or is refused in words; what is wrong with rows that no state rests on is found by the check of all rows; and nobody ever reads
 * another event than the one that was recorded.
 */
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalError, type AppendOutcome, type Journal } from '@muster/journal';
import { mendJournal, openEmbeddedJournal, surveyJournal, type KnownHead } from '@muster/journal-embedded';
import {
  decodeSnapshot,
  emptyRoster,
  encodeSnapshot,
  fold,
  rosterHash,
  type RecordedEvent,
  type Roster,
} from '@muster/membership';

const CLUSTER = 'damage';
/** In the main file; those after them are in the write-ahead log of a node that was killed. */
const FILE_EVENTS = 200;
const EVENTS = 300;
const SNAPSHOT_REVISIONS = [80, 160, 280];
/** What a local snapshot knows of; it is some seconds behind. */
const KNOWN_REVISION = 290;
const SUFFIXES = ['', '-wal', '.head'] as const;

/** 0 ≤ it < 1, and always the same for a seed (mulberry32). */
export type Chance = () => number;

export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The sound journals that damages are done to, and what is true of them. */
export interface DamageScene {
  readonly folder: string;
  readonly known: KnownHead;
  readonly events: readonly RecordedEvent[];
  readonly hash: string;
}

/** `killed` has its newest events in the write-ahead log, `stopped` has all in the file, `earlier` is `killed` of some time before. */
type Sound = 'killed' | 'stopped' | 'earlier' | 'other';

export async function damageScene(folder: string): Promise<DamageScene> {
  const path = join(folder, 'making.journal');
  const take = (name: Sound): void => copyAll(path, join(folder, name));
  {
    await using journal = await openEmbeddedJournal({ path });
    await appendEvents(journal, 0, FILE_EVENTS);
  }
  take('earlier');
  await using journal = await openEmbeddedJournal({ path });
  await appendEvents(journal, FILE_EVENTS, EVENTS);
  const { epoch, events, hash } = await saveSnapshots(journal);
  // Reading the open files would drop the lock, which nobody contends here.
  take('killed');
  await journal.close();
  take('stopped');
  const other = join(folder, 'making-other.journal');
  {
    await using different = await openEmbeddedJournal({ path: other });
    await appendEvents(different, 7, EVENTS);
  }
  copyAll(other, join(folder, 'other'));
  return { folder, known: { epoch, revision: KNOWN_REVISION }, events, hash };
}

function copyAll(from: string, to: string): void {
  for (const suffix of SUFFIXES) {
    rmSync(to + suffix, { force: true });
    if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
  }
}

async function appendEvents(journal: Journal, from: number, to: number): Promise<void> {
  const answers: Promise<AppendOutcome>[] = [];
  for (let index = from; index < to; index++) {
    const backend = `backend.p.b-${index % 10}`;
    const registered = { type: 'BackendRegistered', target: `10.0.0.${index % 250}:8001`, weight: 1 + (index % 9) };
    const mode = { type: 'BackendModeSet', mode: index % 3 === 0 ? 'drain' : 'ready', reason: `turn ${index}` };
    const pool: [string, object] = ['pool.p', { type: 'PoolDefined', connectAttempts: 1 + (index % 3) }];
    const [entity, payload] = index % 50 === 0 ? pool : [backend, index % 4 === 0 ? mode : registered];
    const event = { id: `e-${index}`, subject: `muster.${CLUSTER}.${entity}`, payload: JSON.stringify(payload) };
    answers.push(journal.append({ ...event, origin: index % 5 === 0 ? null : 'cli:alice@host' }));
  }
  for (const answer of await Promise.all(answers)) {
    if (answer.outcome !== 'appended') throw new Error(JSON.stringify(answer));
  }
}

async function saveSnapshots(journal: Journal) {
  const { epoch } = await journal.head();
  const events: RecordedEvent[] = [];
  let roster = emptyRoster(CLUSTER);
  for await (const event of journal.read()) {
    events.push(event);
    ({ roster } = fold(roster, event));
    const { revision } = roster;
    if (!SNAPSHOT_REVISIONS.includes(revision)) continue;
    await journal.saveSnapshot({ epoch, revision, hash: rosterHash(roster), data: encodeSnapshot(roster) });
  }
  return { epoch, events, hash: rosterHash(roster) };
}

interface DamageKind {
  readonly base: Sound;
  readonly damage: (path: string, chance: Chance, scene: DamageScene) => void;
}

const bytesOf = (suffix: string, change: (bytes: Buffer, chance: Chance) => void): DamageKind['damage'] => {
  return (path, chance) => {
    const bytes = readFileSync(path + suffix);
    change(bytes, chance);
    writeFileSync(path + suffix, bytes);
  };
};

const flipped = (bytes: Buffer, chance: Chance): void => {
  const at = Math.floor(chance() * bytes.length);
  bytes[at]! ^= 1 << Math.floor(chance() * 8);
};

const overwritten = (bytes: Buffer, chance: Chance): void => {
  const at = Math.floor(chance() * bytes.length);
  for (let index = at; index < Math.min(bytes.length, at + 80); index++) bytes[index] = Math.floor(chance() * 256);
};

/** A digit of what the file holds as text, which SQLite has no means to notice. */
const digitChanged = (bytes: Buffer, chance: Chance): void => {
  const isDigit = (at: number): boolean => bytes[at]! >= 0x30 && bytes[at]! <= 0x39;
  let at = Math.floor(chance() * bytes.length);
  while (!isDigit(at)) at = (at + 1) % bytes.length;
  bytes[at] = 0x30 + ((bytes[at]! - 0x30 + 1 + Math.floor(chance() * 9)) % 10);
};

const PAGE_BYTES = 4_096;

const pageZeroed = (bytes: Buffer, chance: Chance): void => {
  const page = Math.floor((chance() * bytes.length) / PAGE_BYTES);
  bytes.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
};

const pageCopied = (bytes: Buffer, chance: Chance): void => {
  const [from, to] = [chance(), chance()].map((part) => Math.floor((part * bytes.length) / PAGE_BYTES) * PAGE_BYTES);
  bytes.copy(bytes, to, from, from! + PAGE_BYTES);
};

const sql = (statement: (revision: number, chance: Chance) => string): DamageKind => ({
  base: 'stopped',
  damage: (path, chance) => {
    using database = new DatabaseSync(path);
    database.exec(statement(1 + Math.floor(chance() * EVENTS), chance));
  },
});

const cutTo = (suffix: string): DamageKind['damage'] => {
  return (path, chance) => truncateSync(path + suffix, Math.floor(chance() * readFileSync(path + suffix).length));
};

/** Where it is meant that an earlier or other one took its place, its own head file stays: that is how a person replaces it. */
const replacedBy = (sound: Sound, suffixes: readonly string[]): DamageKind['damage'] => {
  return (path, _chance, { folder }) => {
    for (const suffix of suffixes) {
      rmSync(path + suffix, { force: true });
      if (existsSync(join(folder, sound) + suffix)) copyFileSync(join(folder, sound) + suffix, path + suffix);
    }
  };
};

const removed = (suffix: string): DamageKind['damage'] => {
  return (path) => rmSync(path + suffix);
};

export const DAMAGE_KINDS: Readonly<Record<string, DamageKind>> = {
  'the log is deleted': { base: 'killed', damage: removed('-wal') },
  'a bit of the log is flipped': { base: 'killed', damage: bytesOf('-wal', flipped) },
  'the log is overwritten in part': { base: 'killed', damage: bytesOf('-wal', overwritten) },
  'the log is cut': { base: 'killed', damage: cutTo('-wal') },
  'the log is emptied': { base: 'killed', damage: (path) => truncateSync(`${path}-wal`) },
  'the log is of another journal': { base: 'stopped', damage: replacedBy('killed', ['-wal']) },
  'the file is emptied': { base: 'killed', damage: (path) => truncateSync(path) },
  'the file is emptied, with nothing beside it': { base: 'stopped', damage: (path) => truncateSync(path) },
  'the file is deleted': { base: 'killed', damage: removed('') },
  'the file is deleted, with nothing beside it': { base: 'stopped', damage: removed('') },
  'the file is an earlier one': { base: 'killed', damage: replacedBy('earlier', ['', '-wal']) },
  'all files are earlier ones': { base: 'killed', damage: replacedBy('earlier', SUFFIXES) },
  'the file is another journal': { base: 'killed', damage: replacedBy('other', ['', '-wal']) },
  'all files are of another journal': { base: 'killed', damage: replacedBy('other', SUFFIXES) },
  'the file is cut': { base: 'stopped', damage: cutTo('') },
  'a bit of the file is flipped': { base: 'stopped', damage: bytesOf('', flipped) },
  'a bit of the file is flipped before a log': { base: 'killed', damage: bytesOf('', flipped) },
  'a digit of the file is changed': { base: 'stopped', damage: bytesOf('', digitChanged) },
  'a digit of the file is changed before a log': { base: 'killed', damage: bytesOf('', digitChanged) },
  'the file is overwritten in part': { base: 'stopped', damage: bytesOf('', overwritten) },
  'a page is zeroed': { base: 'stopped', damage: bytesOf('', pageZeroed) },
  'a page is another one': { base: 'stopped', damage: bytesOf('', pageCopied) },
  'a row is gone': sql((revision) => `DELETE FROM events WHERE revision = ${revision}`),
  'rows in the middle are gone': sql((revision) => {
    return `DELETE FROM events WHERE revision BETWEEN ${revision} AND ${revision + 20}`;
  }),
  'the end is gone': sql((revision) => `DELETE FROM events WHERE revision >= ${revision}`),
  'the end is gone, with all that mentions it': sql(
    (revision) => `
      DELETE FROM events WHERE revision >= ${revision};
      DELETE FROM snapshots WHERE revision >= ${revision};
      UPDATE subjects SET newest_revision =
        ifnull((SELECT max(revision) FROM events WHERE events.subject = subjects.subject), 0);
      DELETE FROM subjects WHERE newest_revision = 0`,
  ),
  'the beginning is gone': sql((revision) => `DELETE FROM events WHERE revision < ${revision}`),
  'a payload is changed': sql(
    (revision) => `UPDATE events SET payload = replace(payload, '1', '2') WHERE revision >= ${revision}`,
  ),
  'a payload is no event': sql((revision) => `UPDATE events SET payload = '{}' WHERE revision = ${revision}`),
  'a time is changed': sql((revision) => `UPDATE events SET time_ms = time_ms + 1 WHERE revision = ${revision}`),
  'an id is changed': sql((revision) => `UPDATE events SET id = 'x' WHERE revision = ${revision}`),
  'a subject is changed': sql((revision) => {
    return `UPDATE events SET subject = 'muster.${CLUSTER}.backend.p.b-77' WHERE revision = ${revision}`;
  }),
  'an origin is changed': sql((revision) => {
    return `UPDATE events SET origin = iif(origin IS NULL, '', NULL) WHERE revision = ${revision}`;
  }),
  'two payloads are swapped': sql((revision, chance) => {
    const other = 1 + Math.floor(chance() * EVENTS);
    return `UPDATE events SET payload = (SELECT payload FROM events AS e WHERE e.revision = ${revision + other} - events.revision)
      WHERE revision IN (${revision}, ${other})`;
  }),
  'a digest is changed': sql((revision) => `UPDATE events SET digest = 'x' WHERE revision = ${revision}`),
  'a digest is gone': sql((revision) => `UPDATE events SET digest = NULL WHERE revision = ${revision}`),
  'the digests of the end are gone, and a payload is changed': sql(
    (revision) => `
      UPDATE events SET digest = NULL WHERE revision >= ${Math.min(revision, EVENTS - 1)};
      UPDATE events SET payload = '{"type":"PoolRemoved"}' WHERE revision = ${Math.min(revision, EVENTS - 1)}`,
  ),
  'snapshots are changed': sql(() => `UPDATE snapshots SET data = replace(data, '8001', '8002')`),
  'the times in snapshots are changed': sql(
    () => `UPDATE snapshots SET data = replace(data, '"timeMs":1', '"timeMs":2')`,
  ),
  'snapshots are of other revisions': sql((revision) => {
    return `UPDATE OR REPLACE snapshots SET revision = ${Math.min(revision, 270)} WHERE revision = 280`;
  }),
  'a hash of a snapshot is changed': sql(() => `UPDATE snapshots SET hash = '0000000000000001' WHERE revision = 280`),
  'snapshots are gone': sql((revision) => `DELETE FROM snapshots WHERE revision < ${revision}`),
  'newest events by subject are others': sql((revision) => {
    return `UPDATE subjects SET newest_revision = max(1, newest_revision - ${revision})`;
  }),
  'newest events by subject are gone': sql(() => 'DELETE FROM subjects'),
  'the history has another name': sql(() => `UPDATE history SET epoch = 'another'`),
  'a table is gone': sql((_revision, chance) => {
    const tables = ['events', 'subjects', 'snapshots', 'history'];
    return `DROP TABLE ${tables[Math.floor(chance() * tables.length)]}`;
  }),
  'the head is deleted': { base: 'killed', damage: removed('.head') },
  'a bit of the head is flipped': { base: 'killed', damage: bytesOf('.head', flipped) },
  'the head is of another journal': { base: 'stopped', damage: replacedBy('other', ['.head']) },
  'the head is an earlier one': { base: 'stopped', damage: replacedBy('earlier', ['.head']) },
};

export interface DamageOutcome {
  readonly kind: string;
  /**
   * `past-refused`: the state is right, and rows before it are not what was recorded, which was said. `refused`: nobody opens it, and
   * what was proven of it could be kept.
   */
  readonly outcome: 'right' | 'past-refused' | 'refused';
  /** Of the journal, in words; empty where nothing was said. */
  readonly said: readonly string[];
}

/** Damages a copy, opens and uses it; every fourth that is refused is mended as well. Throws where anything differs in silence. */
export async function tryDamage(scene: DamageScene, kind: string, seed: number): Promise<DamageOutcome> {
  const { base, damage } = DAMAGE_KINDS[kind]!;
  const path = join(scene.folder, `damaged-${seed}.journal`);
  copyAll(join(scene.folder, base), path);
  damage(path, chanceOf(seed), scene);
  const { known } = scene;
  const said: string[] = [];
  try {
    await using journal = await openEmbeddedJournal({ path, known, onNote: (text) => said.push(text) });
    const state = await startState(journal);
    expectEqual('the state at the start', rosterHash(state), scene.hash);
    expectEqual('its time', state.timeMs, scene.events.at(-1)!.timeMs);
    await journal.checked();
    const damageFound = journal.damage;
    if (damageFound !== null) said.push(damageFound);
    const isWhole = await readsTruly(journal, scene.events);
    if (!isWhole && damageFound === null) throw new Error('events cannot be read, and the check did not say so');
    await expectAppend(journal, state, damageFound !== null);
    return { kind, outcome: isWhole ? 'right' : 'past-refused', said };
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    expectEqual('the code', error.code, 'unreadable');
    if (!error.message.includes(path)) throw new Error(`it does not name the file: ${error.message}`, { cause: error });
    if (seed % 4 === 0) await expectMended(scene, path);
    return { kind, outcome: 'refused', said: [...said, error.message] };
  } finally {
    for (const suffix of SUFFIXES) rmSync(path + suffix, { force: true });
  }
}

/** As a node begins: the newest snapshot that decodes, and what comes behind it. */
async function startState(journal: Journal): Promise<Roster> {
  const stored = await journal.loadSnapshot();
  const decoded = stored === null ? null : decodeSnapshot(stored.data);
  let roster = decoded?.outcome === 'decoded' ? decoded.roster : emptyRoster(CLUSTER);
  for await (const event of journal.read({ fromRevision: roster.revision + 1 })) ({ roster } = fold(roster, event));
  return roster;
}

/** True where all of them are there, false where some are refused. */
async function readsTruly(journal: Journal, truth: readonly RecordedEvent[]): Promise<boolean> {
  let isWhole = true;
  for (let from = 1; from <= truth.length; from += 20) {
    const wanted = truth.slice(from - 1, from + 19);
    try {
      const read: RecordedEvent[] = [];
      for await (const event of journal.read({ fromRevision: from, toRevision: from + wanted.length - 1 })) {
        read.push(event);
      }
      expectEqual(`the events from ${from} on`, JSON.stringify(read), JSON.stringify(wanted));
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      isWhole = false;
    }
  }
  return isWhole;
}

/** An expectation is judged by what is true, and the next event follows the newest; where the file is known to be damaged, it may be refused as that. */
async function expectAppend(journal: Journal, state: Roster, isDamaged: boolean): Promise<void> {
  const { revision: newestOfPool } = state.pools.get('p')!;
  const event = { id: 'after', subject: `muster.${CLUSTER}.pool.p`, origin: null, payload: '{"type":"PoolDefined"}' };
  const conflict = await journal.append(event, { expectedRevision: newestOfPool - 1 });
  if (isDamaged && conflict.outcome === 'unavailable' && conflict.message.includes(' is damaged: ')) return;
  expectEqual(
    'a wrong expectation',
    JSON.stringify(conflict),
    `{"outcome":"conflict","actualRevision":${newestOfPool}}`,
  );
  const answer = await journal.append(event, { expectedRevision: newestOfPool });
  expectEqual(
    'an append',
    JSON.stringify(answer),
    `{"outcome":"appended","revision":${EVENTS + 1},"isDuplicate":false}`,
  );
}

/** What is kept is a beginning of what was recorded, under another name, and is used as any journal. */
async function expectMended({ events, known }: DamageScene, path: string): Promise<void> {
  const survey = surveyJournal(path, { known });
  expectEqual('the survey', survey.outcome, 'damaged');
  const mended = mendJournal(path);
  expectEqual('what was kept', mended.keptRevision, survey.provenRevision);
  try {
    await using journal = await openEmbeddedJournal({ path });
    const { epoch, revision } = await journal.head();
    if (epoch === known.epoch) throw new Error('it is still the same history');
    expectEqual('what is there', revision, mended.keptRevision);
    // One that was replaced has other events, and they are proven, too.
    if (survey.epoch === known.epoch && !(await readsTruly(journal, events.slice(0, revision))))
      throw new Error('not read');
  } finally {
    for (const suffix of SUFFIXES) if (mended.movedTo !== null) rmSync(mended.movedTo + suffix, { force: true });
    rmSync(`${path}.damaged-1.head`, { force: true });
  }
}

function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: ${clipped(found)}, and not ${clipped(expected)}`);
}

function clipped(value: unknown): string {
  return String(value).slice(0, 300);
}
