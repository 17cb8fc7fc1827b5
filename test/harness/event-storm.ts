/**
 * A storm of events at a given rate, by several writers with connections of their own: backends of one pool register, get
 * weights, are observed, drain, and leave, over and over.
 *
 * Each writer has backends of its own, and publishes about each of them in order, so that every event makes sense where it
 * stands. What is late is made up for: the count is kept, and the rate as far as the machine allows.
 */
import type { MembershipEventInput } from '@muster/membership';
import { CLUSTER } from './cluster.ts';
import { EventWriter } from './event-writer.ts';

export interface EventStormOptions {
  readonly servers: readonly string[];
  readonly pool: string;
  /** Where all of the passing backends answer. */
  readonly target: string;
  readonly eventsPerSecond: number;
  readonly durationMs: number;
}

export interface EventStorm {
  readonly writers: readonly EventWriter[];
  /** Acknowledged so far. */
  readonly publishedCount: () => number;
  /** Resolves when the last event is acknowledged; to the events a second that it came to. */
  readonly finished: Promise<number>;
}

const WRITERS = 4;
const BACKENDS_PER_WRITER = 75;
/** A burst is about different backends, so that its order does not matter. */
const BURST_EVENTS = 25;

/** One lap of a passing backend's life. */
function eventAt(
  lap: number,
  target: string,
): { readonly kind: 'backend' | 'health'; readonly event: MembershipEventInput } {
  switch (lap % 7) {
    case 0:
      return { kind: 'backend', event: { type: 'BackendRegistered', target } };
    case 1:
      return { kind: 'health', event: { type: 'BackendTurnedHealthy', target, reason: 'it answered' } };
    case 2:
      return { kind: 'backend', event: { type: 'BackendRegistered', target, weight: 3 } };
    case 3:
      return { kind: 'backend', event: { type: 'BackendModeSet', mode: 'drain' } };
    case 4:
      return { kind: 'health', event: { type: 'BackendTurnedUnhealthy', target, reason: 'it did not answer' } };
    case 5:
      return { kind: 'backend', event: { type: 'BackendModeSet', mode: 'maint' } };
    default:
      return { kind: 'backend', event: { type: 'BackendDeregistered' } };
  }
}

export async function startEventStorm(options: EventStormOptions): Promise<EventStorm & AsyncDisposable> {
  const { servers, eventsPerSecond, durationMs } = options;
  const opened = Array.from({ length: WRITERS }, () => EventWriter.open(servers, CLUSTER));
  const writers = await Promise.all(opened);
  const startedMs = performance.now();
  const eventsPerWriter = Math.ceil((eventsPerSecond * durationMs) / 1_000 / WRITERS);
  const running = writers.map((writer, index) => write(writer, { ...options, index, eventsPerWriter }));
  return {
    writers,
    publishedCount: () => writers.reduce((sum, { revisionById }) => sum + revisionById.size, 0),
    finished: Promise.all(running).then(() => (WRITERS * eventsPerWriter * 1_000) / (performance.now() - startedMs)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(writers.map((writer) => writer[Symbol.asyncDispose]()));
    },
  };
}

async function write(
  writer: EventWriter,
  { pool, target, durationMs, index, eventsPerWriter }: EventStormOptions & { index: number; eventsPerWriter: number },
): Promise<void> {
  const startedMs = performance.now();
  for (let step = 0; step < eventsPerWriter; step += BURST_EVENTS) {
    const length = Math.min(BURST_EVENTS, eventsPerWriter - step);
    const burst = Array.from({ length }, (_, offset) => {
      const backend = `passing-${index}-${(step + offset) % BACKENDS_PER_WRITER}`;
      const { kind, event } = eventAt(Math.floor((step + offset) / BACKENDS_PER_WRITER), target);
      const entity = kind === 'health' ? `health.watcher.${pool}.${backend}` : `backend.${pool}.${backend}`;
      return writer.publish(entity, event);
    });
    await Promise.all(burst);
    const dueMs = startedMs + ((step + BURST_EVENTS) * durationMs) / eventsPerWriter;
    if (dueMs > performance.now()) await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
  }
}
