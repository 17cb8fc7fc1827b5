/** What `bench replay` measures: a process that opens a past and answers questions about random times of it. */
import { join } from 'node:path';
import { openEmbeddedJournal } from '@muster/journal-embedded';
import { ObservationReader } from '@muster/observations';
import { createReplay, stateView, type Replay, type ReplaySource } from '@muster/replay';
import { seededRandom } from './fold.ts';

export interface ReplayAnswers {
  /** From the question to the roster, each. */
  readonly elapsedMs: readonly number[];
  /** The processor's time for the same, in all threads. */
  readonly cpuMs: readonly number[];
  /** The processor's time since the process began. */
  readonly processCpuMs: number;
  /** From the question to the whole view as plain data; of every tenth question. */
  readonly viewMs: readonly number[];
  /** When the last answer was there, ms since 1970. */
  readonly answeredMs: number;
  readonly verifyMs: number;
  readonly comparedCount: number;
  /** The most that the process ever had. */
  readonly rssBytes: number;
}

const [folder = '', mode, questions, seed] = process.argv.slice(2);
const journal = await openEmbeddedJournal({ path: join(folder, 'bench.journal') });
const observations = new ObservationReader({ path: join(folder, 'observations') });
const source: ReplaySource = {
  name: 'the journal of the benchmark',
  cluster: 'bench',
  node: 'lb-1',
  head: () => journal.head(),
  read: (options) => journal.read(options),
  loadSnapshot: (atOrBefore) => journal.loadSnapshot(atOrBefore),
  observations: (query) => observations.observations(query),
  observedSinceMs: () => observations.observedSinceMs(),
};
const replay = createReplay(source);
const answers = await answer(replay);
await journal.close();
process.stdout.write(JSON.stringify(answers));

async function answer(asked: Replay): Promise<ReplayAnswers> {
  const beganMs = performance.now();
  const verification = mode === 'warm' ? await asked.verify() : null;
  const verifyMs = performance.now() - beganMs;
  const random = seededRandom(Number(seed));
  for (let count = 0; count < 3; count++) random();
  const [oldest, newest] = [await asked.resolve('1', Date.now()), await asked.resolve('now', Date.now())];
  const elapsedMs: number[] = [];
  const cpuMs: number[] = [];
  const viewMs: number[] = [];
  for (let count = 0; count < Number(questions); count++) {
    const timeMs = oldest.timeMs + random() * (newest.timeMs - oldest.timeMs);
    const startedMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const at = await asked.resolve(new Date(timeMs).toISOString(), Date.now());
    const { check } = await asked.rosterAt(at.revision);
    elapsedMs.push(performance.now() - startedMs);
    cpuMs.push(cpuTimeMs(process.cpuUsage(cpuBefore)));
    if (check.outcome !== 'checked') throw new Error(`revision ${at.revision} is ${check.outcome}: ${check.why}`);
    if (mode === 'cold' || count % 10 > 0) continue;
    await stateView(asked, at);
    viewMs.push(performance.now() - startedMs);
  }
  const answeredMs = performance.timeOrigin + performance.now();
  const processCpuMs = cpuTimeMs(process.cpuUsage());
  const rssBytes = process.resourceUsage().maxRSS * 1_024;
  const comparedCount = verification?.comparedCount ?? 0;
  return { elapsedMs, cpuMs, processCpuMs, viewMs, answeredMs, verifyMs, comparedCount, rssBytes };
}

function cpuTimeMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}
