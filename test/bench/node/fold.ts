/**
 * How fast the fold is, and that its cost does not grow with the pool: events a second in one process for pools of
 * 100 to 100,000 backends. Each event is decoded from its JSON text, applied and hashed, in batches of 1,000, as a worker
 * or a node that catches up does it.
 *
 * Events are made outside the measured time, so that what is measured is the fold and not the generator.
 */
import { parseArgs } from 'node:util';
import { emptyRoster, fold, foldBatch, type RecordedEvent, type Roster } from '@muster/membership';
import { machineText } from '../figures/figures.ts';

const MADE_EVENTS = 10_000;
const BATCH_EVENTS = 1_000;
const BASE_TIME_MS = 1_800_000_000_000;

export const foldUsage = `fold   events a second, for pools of different sizes
        --backends A,B      (100,1000,10000,100000)        --events N   for 10,000 backends (1000000)`;

/** For pools of other sizes than `THOROUGH_BACKENDS`. */
const OTHER_EVENTS = 200_000;
const WARM_UP_EVENTS = 100_000;
const THOROUGH_BACKENDS = 10_000;

export function foldBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      backends: { type: 'string', default: '100,1000,10000,100000' },
      events: { type: 'string', default: '1000000' },
    },
  });
  console.log(machineText());
  measureFold(1_000, WARM_UP_EVENTS);
  console.log('\n  backends     events   events/s   µs each   µs CPU each');
  for (const backendsCount of values.backends.split(',').map(Number)) {
    const eventsCount = backendsCount === THOROUGH_BACKENDS ? Number(values.events) : OTHER_EVENTS;
    const figures = measureFold(backendsCount, eventsCount);
    const { eventsPerSecond, microsecondsPerEvent, cpuMicrosecondsPerEvent } = figures;
    const columns = [backendsCount, eventsCount, eventsPerSecond.toFixed(0)].map((value) => `${value}`.padStart(10));
    const times = [microsecondsPerEvent, cpuMicrosecondsPerEvent].map((value) => value.toFixed(2).padStart(9));
    console.log(`${columns.join(' ')} ${times.join('     ')}`);
  }
  return Promise.resolve();
}

interface FoldFigures {
  readonly eventsPerSecond: number;
  readonly microsecondsPerEvent: number;
  /** All threads of the process, the collector's too. */
  readonly cpuMicrosecondsPerEvent: number;
}

/** Folds `eventsCount` events (modes, weights and health flips in equal parts) over a pool of `backendsCount`. */
function measureFold(backendsCount: number, eventsCount: number): FoldFigures {
  let roster = populated(backendsCount);
  const random = seededRandom(backendsCount);
  let elapsedMs = 0;
  let cpuMicroseconds = 0;
  for (let done = 0; done < eventsCount; done += MADE_EVENTS) {
    const made = Array.from({ length: MADE_EVENTS }, (_, index) =>
      randomEvent(roster.revision + 1 + index, backendsCount, random),
    );
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    for (let at = 0; at < made.length; at += BATCH_EVENTS) {
      roster = foldBatch(roster, made.slice(at, at + BATCH_EVENTS)).roster;
    }
    elapsedMs += performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuMicroseconds += user + system;
  }
  if (roster.rejectedCount > 0)
    throw new Error(`${roster.rejectedCount} events were rejected; the measurement is void`);
  return {
    eventsPerSecond: (eventsCount / elapsedMs) * 1_000,
    microsecondsPerEvent: (elapsedMs * 1_000) / eventsCount,
    cpuMicrosecondsPerEvent: cpuMicroseconds / eventsCount,
  };
}

/** A roster with one pool and its backends. */
function populated(backendsCount: number): Roster {
  let roster = fold(emptyRoster('bench'), recorded(1, 'pool.p', { type: 'PoolDefined', health: { tcp: true } })).roster;
  for (let index = 0; index < backendsCount; index++) {
    const event = { type: 'BackendRegistered', target: targetOf(index) };
    roster = fold(roster, recorded(roster.revision + 1, `backend.p.b-${index}`, event)).roster;
  }
  return roster;
}

export function randomEvent(revision: number, backendsCount: number, random: () => number): RecordedEvent {
  const index = Math.floor(random() * backendsCount);
  const kind = random();
  const isUp = random() < 0.5;
  if (kind < 1 / 3) {
    const type = isUp ? 'BackendTurnedHealthy' : 'BackendTurnedUnhealthy';
    const reason = isUp ? 'status 200' : 'connection refused';
    return recorded(revision, `health.lb-1.p.b-${index}`, { type, target: targetOf(index), reason });
  }
  if (kind < 2 / 3)
    return recorded(revision, `backend.p.b-${index}`, { type: 'BackendModeSet', mode: isUp ? 'ready' : 'drain' });
  const weight = 1 + Math.floor(random() * 10);
  return recorded(revision, `backend.p.b-${index}`, { type: 'BackendRegistered', target: targetOf(index), weight });
}

function recorded(revision: number, entity: string, event: object): RecordedEvent {
  const payload = JSON.stringify(event);
  return {
    revision,
    timeMs: BASE_TIME_MS + revision,
    id: `event-${revision}`,
    subject: `muster.bench.${entity}`,
    origin: 'bench',
    payload,
  };
}

/** An address of its own for each backend. */
export function targetOf(index: number): string {
  return `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}:8001`;
}

/** A linear congruential generator (Numerical Recipes): the same seed gives the same events everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
