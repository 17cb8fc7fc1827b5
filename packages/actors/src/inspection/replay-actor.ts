/**
 * Replays a recording into a fresh actor: the same machine, alone, takes the same events at the same times of a simulated
 * clock, and after each is compared with what was recorded of it: state, status, what it holds, and the timers that it armed.
 *
 *     found / started ──► fresh actor
 *     event ──► clock to its time ──► send, or fire the timer that sends it ──► compare
 *
 * So a recording is an experiment that can be repeated: with a machine that was changed since, the first line that differs is
 * what the change does. What happened before the recording began is in its first line.
 */
import { createActor, type AnyActor, type AnyMachineSnapshot } from 'xstate';
import {
  plainView,
  stateText,
  stateValue,
  type ActorLine,
  type ArmedTimer,
  type EventLine,
  type FoundLine,
  type InspectionLine,
  type MachineKind,
} from './inspection-line.ts';
import { rehearse, type Rehearsal } from './machine-rehearsal.ts';
import { RecordedClock } from './recorded-clock.ts';

/** Where the fresh actor became something else than the recorded one. */
export interface ActorDifference {
  /** ms since 1970, of the line that differs. */
  readonly timeMs: number;
  /** The event's type; null for the first line. */
  readonly event: string | null;
  readonly what: 'state' | 'status' | 'context' | 'timers';
  readonly recorded: unknown;
  readonly replayed: unknown;
}

/** One actor's life, as far as it was recorded, lived again. */
export interface ReplayedActor {
  readonly kind: MachineKind;
  readonly id: string;
  /** Events that were replayed and compared. */
  readonly eventsCount: number;
  /** What the fresh actor ended in. */
  readonly state: string;
  readonly status: ActorLine['status'];
  /** `equal`; `differs`: see `difference`; `cut`: equal up to where lines are missing. */
  readonly outcome: 'equal' | 'differs' | 'cut';
  readonly difference: ActorDifference | null;
}

/** Replays each actor of a recording, in the order in which they appear. Lines before an actor's first are passed over. */
export function replayRecording(lines: Iterable<InspectionLine>): ReplayedActor[] {
  const lives: ActorReplay[] = [];
  const lifeByName = new Map<string, ActorReplay>();
  for (const line of lines) {
    if (line.type === 'dropped') {
      for (const life of lifeByName.values()) life.cut();
      lifeByName.clear();
      continue;
    }
    if (line.type === 'following') continue;
    const name = `${line.kind} ${line.id}`;
    if (line.type === 'event') {
      lifeByName.get(name)?.take(line);
      continue;
    }
    const life = new ActorReplay(line);
    lives.push(life);
    lifeByName.set(name, life);
  }
  return lives.map((life) => life.result());
}

class ActorReplay {
  readonly #first: Exclude<ActorLine, EventLine>;
  readonly #clock: RecordedClock;
  readonly #rehearsal: Rehearsal;
  readonly #actor: AnyActor;
  /** Timers that were armed before the recording began: when exactly, nobody knows. */
  readonly #armedBefore: Set<string>;
  #line: ActorLine;
  #armed: ArmedTimer[] = [];
  #context: unknown;
  #eventsCount = 0;
  #isCut = false;
  #difference: ActorDifference | null = null;

  constructor(first: Exclude<ActorLine, EventLine>) {
    this.#first = first;
    this.#line = first;
    this.#context = first.context;
    this.#clock = new RecordedClock(first.elapsedMs);
    this.#rehearsal = rehearse(first.kind, {
      elapsedMs: () => this.#clock.elapsedMs(),
      delayMs: (delay) => delayIn(this.#line.armed, delay),
    });
    this.#armedBefore = new Set(first.type === 'found' ? first.armed.map(({ event }) => event) : []);
    this.#actor = this.#make();
    this.#actor.subscribe({ error: () => undefined });
    this.#actor.start();
    this.#compare(null);
  }

  take(line: EventLine): void {
    if (this.#difference !== null) return;
    this.#line = line;
    this.#armed = [];
    if (line.context !== undefined) this.#context = line.context;
    this.#clock.set(line.elapsedMs);
    const refusal = this.#deliver(line);
    if (refusal === null) this.#compare(line.event.type);
    else this.#differ('timers', { event: line.event.type, recorded: 'it fired', replayed: refusal });
    this.#eventsCount += 1;
  }

  cut(): void {
    this.#isCut = true;
  }

  result(): ReplayedActor {
    const { kind, id } = this.#first;
    const { value, status } = this.#snapshot();
    const outcome = this.#difference !== null ? 'differs' : this.#isCut ? 'cut' : 'equal';
    this.#actor.stop();
    const difference = this.#difference;
    return { kind, id, eventsCount: this.#eventsCount, state: stateText(value), status, outcome, difference };
  }

  #make(): AnyActor {
    const first = this.#first;
    const { machine, revive } = this.#rehearsal;
    const made =
      first.type === 'started'
        ? { input: revive(first.input as object as Record<string, unknown>) }
        : { snapshot: persistedSnapshot(first, revive(first.context as object as Record<string, unknown>)) };
    return createActor(machine, {
      ...made,
      clock: this.#clock,
      inspect: (inspected) => {
        if (inspected.type !== '@xstate.action' || inspected.action.type !== 'xstate.raise') return;
        const { event, delay } = inspected.action.params as { event: { type: string }; delay?: number };
        if (delay === undefined) return;
        this.#clock.announce(event.type);
        this.#armed.push({ event: event.type, delayMs: delay });
      },
    });
  }

  /** Null when the actor has taken the event, else why it could not come to it. */
  #deliver({ event }: EventLine): string | null {
    if (event.type === 'xstate.stop') {
      this.#actor.stop();
      return null;
    }
    if (event.type.startsWith('xstate.after.')) {
      const fired = this.#clock.fire(event.type);
      if (fired === 'fired') return null;
      if (fired === 'early') return 'not due yet';
      if (!this.#armedBefore.delete(event.type)) return 'not armed';
    }
    this.#actor.send(this.#rehearsal.reviveEvent(event));
    return null;
  }

  #compare(event: string | null): void {
    const { value, status, context } = this.#snapshot();
    const line = this.#line;
    if (status !== line.status) return this.#differ('status', { event, recorded: line.status, replayed: status });
    // Nobody needs the context of an actor that has crashed.
    if (status === 'error') return;
    const state = stateText(value);
    if (state !== line.state) return this.#differ('state', { event, recorded: line.state, replayed: state });
    const held = plainView(context);
    if (!isSame(held, this.#context)) {
      return this.#differ('context', { event, recorded: this.#context, replayed: held });
    }
    // XState restores no timers of an actor that was found; they fire when the recording says so.
    if (line.type !== 'found' && !isSame(this.#armed, line.armed)) {
      this.#differ('timers', { event, recorded: line.armed, replayed: this.#armed });
    }
  }

  #differ(what: ActorDifference['what'], rest: Omit<ActorDifference, 'what' | 'timeMs'>): void {
    this.#difference = { timeMs: this.#line.timeMs, what, ...rest };
  }

  #snapshot(): AnyMachineSnapshot {
    return this.#actor.getSnapshot() as AnyMachineSnapshot;
  }
}

function persistedSnapshot({ status, state, children }: FoundLine, context: object): never {
  const inert = { status: 'active', output: undefined, error: undefined, input: undefined };
  const persisted = {
    status,
    value: stateValue(state),
    context,
    historyValue: {},
    children: Object.fromEntries(
      children.map(({ id, source }) => [id, { src: source, snapshot: inert, syncSnapshot: false }]),
    ),
    output: undefined,
    error: undefined,
  };
  // XState's type of it is the one snapshot of one machine; this is any machine's.
  return persisted as never;
}

/** 0 where the recording has no such delay: the timers then differ, and that is said. */
function delayIn(armed: readonly ArmedTimer[], delay: string): number {
  return armed.find(({ event }) => event.startsWith(`xstate.after.${delay}.`))?.delayMs ?? 0;
}

/** Machines read the clock a little after their event arrived, which is what the recording has. */
const CLOCK_READ_LATER_MS = 50;
const CLOCK_READING = /(ElapsedMs|AtMs)$/;

/** Plain JSON, equal in every part; readings of the clock, by the unit in their names, nearly so. */
function isSame(left: unknown, right: unknown, key = ''): boolean {
  if (typeof left === 'number' && typeof right === 'number') {
    return CLOCK_READING.test(key) ? Math.abs(left - right) <= CLOCK_READ_LATER_MS : left === right;
  }
  if (!isObject(left) || !isObject(right)) return left === right;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((name) => isSame(left[name], right[name], Array.isArray(left) ? key : name));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
