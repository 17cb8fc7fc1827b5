/**
 * The past of a journal of a million events about 10,000 backends: how long until a state at a random instant is there, compared
 * with what was recorded.
 *
 *     cold   a process starts, opens the journal and the observations, finds the revision of a time, and has its roster
 *     warm   a process that has verified the whole log is asked for the rosters of times, one after another
 *
 * The journal holds the snapshots that a node would have left, and the observations a hash for every revision. Each process
 * says the most memory that it ever had (`maxRSS`).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { snapshotsToRemove } from '@muster/journal';
import { openEmbeddedJournal, type EmbeddedJournal } from '@muster/journal-embedded';
import {
  emptyRoster,
  encodeSnapshot,
  foldBatch,
  rosterHash,
  type RecordedEvent,
  type Roster,
} from '@muster/membership';
import { openObservationStore, type ObservationStore } from '@muster/observations';
import { machineText, percentile, spreadText } from '../figures/figures.ts';
import { randomEvent, seededRandom, targetOf } from './fold.ts';
import type { ReplayAnswers } from './replay-process.ts';

export const replayUsage = `replay   the state at a random instant of a long journal, warm and cold
        --events N  (1000000)   --backends N  (10000)   --questions N  warm  (300)   --starts N  cold  (30)
        --path FOLDER  to keep the files in, or to find them`;

const REPLAY_CLUSTER = 'bench';
const JOURNAL_FILE = 'bench.journal';
const APPENDS_AT_ONCE = 10_000;
/** As a node does under load: one snapshot after 1,000 to 2,000 events. */
const SNAPSHOT_EVENTS = 1_500;
/** The history is spread over so long, up to now. */
const HISTORY_MS = 20 * 3_600_000;

interface Size {
  readonly events: number;
  readonly backends: number;
}

export async function replayBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      events: { type: 'string', default: '1000000' },
      backends: { type: 'string', default: '10000' },
      questions: { type: 'string', default: '300' },
      starts: { type: 'string', default: '30' },
      path: { type: 'string' },
    },
  });
  const size = { events: Number(values.events), backends: Number(values.backends) };
  const folder = values.path ?? (await mkdtemp(join(tmpdir(), 'muster-bench-')));
  try {
    console.log(machineText());
    const isThere = existsSync(join(folder, JOURNAL_FILE));
    const past = isThere ? 'as they were left' : await makePast(folder, size);
    console.log(`${size.events} events, ${size.backends} backends: ${past}\n`);
    const cold = await coldAnswers(folder, Number(values.starts));
    console.log(
      `cold, process start to answer   ${spread(cold.elapsedMs, cold.cpuMs)}   RSS at most ${mebibytes(cold.rssBytes)}`,
    );
    const warm = await answers(folder, { mode: 'warm', questions: Number(values.questions), seed: 7 });
    console.log(
      `verify the whole log            ${(warm.verifyMs / 1_000).toFixed(1)} s, ${warm.comparedCount} hashes equal`,
    );
    console.log(
      `warm, time to roster            ${spread(warm.elapsedMs, warm.cpuMs)}   RSS at most ${mebibytes(warm.rssBytes)}`,
    );
    console.log(`warm, time to the whole view    ${spreadText(warm.viewMs)}`);
  } finally {
    if (values.path === undefined) await rm(folder, { recursive: true });
  }
}

/** On a machine that others use, too, the processor's time says more than the clock's. */
function spread(elapsedMs: readonly number[], cpuMs: readonly number[]): string {
  const [elapsed, cpu] = [elapsedMs, cpuMs].map((samples) => `${percentile(samples, 95).toFixed(0)} ms`);
  return `p95 ${elapsed} (of the processor ${cpu}), ${spreadText(elapsedMs)}`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

interface Cold {
  readonly elapsedMs: readonly number[];
  readonly cpuMs: readonly number[];
  readonly rssBytes: number;
}

async function coldAnswers(folder: string, starts: number): Promise<Cold> {
  const elapsedMs: number[] = [];
  const cpuMs: number[] = [];
  let rssBytes = 0;
  for (let seed = 1; seed <= starts; seed++) {
    const startedMs = performance.now();
    const answer = await answers(folder, { mode: 'cold', questions: 1, seed });
    // The process says when it had the answer; what it takes to end is not part of it.
    elapsedMs.push(answer.answeredMs - (performance.timeOrigin + startedMs));
    cpuMs.push(answer.processCpuMs);
    rssBytes = Math.max(rssBytes, answer.rssBytes);
  }
  return { elapsedMs, cpuMs, rssBytes };
}

async function answers(
  folder: string,
  { mode, questions, seed }: { readonly mode: 'cold' | 'warm'; readonly questions: number; readonly seed: number },
): Promise<ReplayAnswers> {
  const program = fileURLToPath(new URL('./replay-process.ts', import.meta.url));
  const args = [program, folder, mode, String(questions), String(seed)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  if (code !== 0) throw new Error(`the process that answers ended with ${code}`);
  return JSON.parse(output) as ReplayAnswers;
}

/** The files of a node that has run for long. */
async function makePast(folder: string, size: Size): Promise<string> {
  const path = join(folder, JOURNAL_FILE);
  const clock = { nowMs: Date.now() - HISTORY_MS, stepMs: HISTORY_MS / size.events };
  await using journal = await openEmbeddedJournal({ path, now: () => (clock.nowMs += clock.stepMs) });
  await using store = openObservationStore({ path: join(folder, 'observations'), log: silent });
  const { epoch } = await journal.head();
  const writer = new PastWriter({ journal, store, epoch, size });
  await writer.add('pool.p', { type: 'PoolDefined', health: { tcp: true } });
  for (let index = 0; index < size.backends; index++) {
    await writer.add(`backend.p.b-${index}`, { type: 'BackendRegistered', target: targetOf(index) });
  }
  const random = seededRandom(1);
  while (writer.eventsCount < size.events) {
    const { subject, payload } = randomEvent(0, size.backends, random);
    await writer.addText(subject, payload);
  }
  await writer.flush();
  const snapshots = await writer.saveSnapshots();
  await store.flush();
  const { bytes, lostCount } = store.status();
  if (lostCount > 0) throw new Error(`${lostCount} observations were lost; the measurement is void`);
  const journalBytes = (await stat(path)).size;
  return `journal ${mebibytes(journalBytes)} with ${snapshots} snapshots, observations ${mebibytes(bytes)}`;
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface PastPorts {
  readonly journal: EmbeddedJournal;
  readonly store: ObservationStore;
  readonly epoch: string;
  readonly size: Size;
}

/** Appends many at once, and folds what it appended as a node does. */
class PastWriter {
  eventsCount = 0;
  readonly #ports: PastPorts;
  readonly #snapshotsAt: ReadonlySet<number>;
  #appends: Promise<void>[] = [];
  #roster: Roster = emptyRoster(REPLAY_CLUSTER);
  readonly #snapshots: Roster[] = [];

  constructor(ports: PastPorts) {
    this.#ports = ports;
    this.#snapshotsAt = snapshotsKept(ports.size.events);
  }

  add(entity: string, event: object): Promise<void> {
    return this.addText(`muster.${REPLAY_CLUSTER}.${entity}`, JSON.stringify(event));
  }

  async addText(subject: string, payload: string): Promise<void> {
    this.eventsCount++;
    this.#appends.push(this.#append({ id: `event-${this.eventsCount}`, subject, origin: 'bench', payload }));
    if (this.#appends.length === APPENDS_AT_ONCE) await this.flush();
  }

  async #append(event: Parameters<EmbeddedJournal['append']>[0]): Promise<void> {
    const outcome = await this.#ports.journal.append(event);
    if (outcome.outcome !== 'appended') throw new Error(`An event was not appended: ${outcome.outcome}`);
  }

  async flush(): Promise<void> {
    await Promise.all(this.#appends);
    this.#appends = [];
    const { journal, store, epoch } = this.#ports;
    let batch: RecordedEvent[] = [];
    const foldRead = (): void => {
      const { timeMs } = batch.at(-1)!;
      this.#roster = foldBatch(this.#roster, batch, {
        onStep: ({ revision, digest }) =>
          store.add({ kind: 'hash', timeMs, node: 'lb-1', epoch, revision, hash: rosterHash({ digest }) }),
      }).roster;
      batch = [];
      if (this.#snapshotsAt.has(this.#roster.revision)) this.#snapshots.push(this.#roster);
    };
    for await (const event of journal.read({ fromRevision: this.#roster.revision + 1 })) {
      batch.push(event);
      if (batch.length === 500) foldRead();
    }
    if (batch.length > 0) foldRead();
    await store.flush();
    await this.#saveSnapshots();
  }

  #savedCount = 0;

  async #saveSnapshots(): Promise<void> {
    const { journal, epoch } = this.#ports;
    for (let roster = this.#snapshots.shift(); roster !== undefined; roster = this.#snapshots.shift()) {
      const data = encodeSnapshot(roster);
      await journal.saveSnapshot({ epoch, revision: roster.revision, hash: rosterHash(roster), data });
      this.#savedCount += 1;
    }
  }

  async saveSnapshots(): Promise<number> {
    await this.#saveSnapshots();
    return this.#savedCount;
  }
}

/** Of the snapshots that a node would have saved on its way, those that are left at the end: saving all would take long. */
function snapshotsKept(eventsCount: number): ReadonlySet<number> {
  let kept: number[] = [];
  for (let revision = SNAPSHOT_EVENTS; revision <= eventsCount; revision += SNAPSHOT_EVENTS) {
    kept.push(revision);
    const removed = new Set(snapshotsToRemove(kept));
    kept = kept.filter((each) => !removed.has(each));
  }
  return new Set(kept);
}
