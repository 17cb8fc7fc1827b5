/**
 * One who looks at actors: notes what XState's inspection says of those that are asked for, and makes lines of it when they
 * are taken.
 *
 *     an actor takes an event ──► a note, with references only ──► (taken, at the reader's pace) ──► lines
 *
 * XState calls inside `send`, so here nothing is computed that can wait, and nothing may throw: it would throw at whoever
 * sent the event. A note is made when the event arrives and is complete when the actor has taken it, so that what an actor
 * causes in another stands after the cause.
 */
import { messageOf } from '@muster/membership';
import type { AnyActor, AnyActorRef, AnyMachineSnapshot, InspectionEvent, Subscription } from 'xstate';
import type { Clock } from '../ports.ts';
import {
  isWorld,
  plainView,
  stateText,
  type ArmedTimer,
  type EventLine,
  type FoundLine,
  type InspectionLine,
  type InspectionQuery,
  type MachineKind,
  type SeenEvent,
  type StartedLine,
} from './inspection-line.ts';

/** Notes that wait for the reader. A further one is dropped, and the reader is told how many were. */
const NOTES_WAITING_MAX = 4_096;
/** What the waiting notes may weigh together, in characters of their events (`weightOf`). A note beyond it is dropped, too. */
const WEIGHT_WAITING_MAX = 4_194_304;
/** Notes that are made lines of in one go, some 5 ms. */
const NOTES_TAKEN_MAX = 256;

/** An actor as somebody looks at it. */
interface Seen {
  readonly kind: MachineKind;
  readonly id: string;
  /** After the last event that it took; null before the first. */
  snapshot: AnyMachineSnapshot | null;
  /** The notes of events that have arrived and that the actor has not taken yet, oldest first. */
  readonly open: Note[];
}

/** What is kept of an event until somebody reads it. */
interface Note {
  readonly seen: Seen;
  readonly event: SeenEvent;
  readonly weight: number;
  readonly timeMs: number;
  readonly elapsedMs: number;
  readonly armed: ArmedTimer[];
  readonly actions: string[];
  before: AnyMachineSnapshot | null;
  /** Null while the event is not taken; it never is where the actor ended before. */
  after: AnyMachineSnapshot | null;
}

export class InspectionFollower {
  readonly #query: InspectionQuery;
  readonly #clock: Clock;
  readonly #subscriptionsByRoot = new Map<AnyActor, readonly Subscription[]>();
  readonly #seenByActor = new WeakMap<object, Seen>();
  readonly #notes: (Note | FoundLine)[] = [];
  #weight = 0;
  #droppedCount = 0;
  #wake: () => void = () => undefined;

  constructor(query: InspectionQuery, clock: Clock) {
    this.#query = query;
    this.#clock = clock;
  }

  /** A root actor that is about to start. Its first line will be that it did. */
  expect(kind: MachineKind, id: string, actor: AnyActor): boolean {
    const { kind: asked, id: askedId } = this.#query;
    if (asked !== null && hostOf(asked) !== kind) return false;
    if ((askedId !== null && askedId !== id) || this.#subscriptionsByRoot.has(actor)) return false;
    const observe = (event: InspectionEvent): void => this.#observe({ kind, id, actor }, event);
    this.#subscriptionsByRoot.set(actor, [
      actor.system.inspect({ next: observe }),
      actor.subscribe({ error: (error: unknown) => this.#rootCrashed(actor, error) }),
    ]);
    return true;
  }

  /** A root actor that lives already. Returns how many are shown because of it: it may have a prober, too. */
  meet(kind: MachineKind, id: string, actor: AnyActor): number {
    if (!this.expect(kind, id, actor)) return 0;
    const prober = (actor.getSnapshot() as AnyMachineSnapshot).children['prober'];
    return this.#find(kind, id, actor) + (prober === undefined ? 0 : this.#find('prober', id, prober));
  }

  /** Whether there is something to take. */
  get isFilled(): boolean {
    return this.#notes.length > 0 || this.#droppedCount > 0;
  }

  /** Resolves when there is something to take, and when the signal aborts. */
  async filled(signal: AbortSignal): Promise<void> {
    if (this.isFilled || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal.addEventListener('abort', wake);
    await promise;
    signal.removeEventListener('abort', wake);
  }

  /** The oldest of what has been noted, in order, and more with the next call; not to be called while an actor takes an event. */
  take(): InspectionLine[] {
    const lines: InspectionLine[] = [];
    for (const note of this.#notes.splice(0, NOTES_TAKEN_MAX)) {
      if ('type' in note) lines.push(note);
      else if (note.after !== null) lines.push(lineOf(note, note.after));
      if (!('type' in note)) this.#weight -= note.weight;
    }
    // The lines that were dropped came after all that waited.
    if (this.#notes.length === 0 && this.#droppedCount > 0) {
      lines.push({ type: 'dropped', timeMs: this.#clock.now(), linesCount: this.#droppedCount });
      this.#droppedCount = 0;
    }
    return lines;
  }

  end(): void {
    for (const actor of this.#subscriptionsByRoot.keys()) this.#leave(actor);
    this.#wake();
  }

  #isAskedFor(kind: MachineKind): boolean {
    return this.#query.kind === null || this.#query.kind === kind;
  }

  #find(kind: MachineKind, id: string, actor: AnyActorRef): number {
    if (!this.#isAskedFor(kind)) return 0;
    const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
    this.#seenByActor.set(actor, { kind, id, snapshot, open: [] });
    this.#notes.push({
      type: 'found',
      timeMs: this.#clock.now(),
      elapsedMs: this.#clock.elapsedMs(),
      kind,
      id,
      status: snapshot.status,
      state: stateText(snapshot.value),
      context: plainView(snapshot.context),
      armed: armedBy(actor),
      children: childrenOf(snapshot),
    });
    return 1;
  }

  #observe(root: { kind: MachineKind; id: string; actor: AnyActor }, inspected: InspectionEvent): void {
    const actor = inspected.actorRef as AnyActorRef;
    const isRoot = actor === root.actor;
    if (isRoot) this.#noteProberCrash(inspected);
    else if (actor.id !== 'prober') return;
    const kind = isRoot ? root.kind : 'prober';
    if (this.#isAskedFor(kind)) this.#note(this.#seeing(actor, { kind, id: root.id }), inspected);
    const hasEnded = inspected.type === '@xstate.snapshot' && inspected.snapshot.status !== 'active';
    if (isRoot && hasEnded) this.#leave(root.actor);
  }

  #seeing(actor: AnyActorRef, { kind, id }: { kind: MachineKind; id: string }): Seen {
    let seen = this.#seenByActor.get(actor);
    if (seen === undefined) {
      seen = { kind, id, snapshot: null, open: [] };
      this.#seenByActor.set(actor, seen);
    }
    return seen;
  }

  #note(seen: Seen, inspected: InspectionEvent): void {
    if (inspected.type === '@xstate.event') this.#arrived(seen, inspected.event);
    else if (inspected.type === '@xstate.action') noteAction(seen.open[0], inspected.action);
    else if (inspected.type === '@xstate.snapshot') {
      // XState puts this one into the mailbox past everything that could be inspected.
      if (inspected.event.type === 'xstate.stop') this.#arrived(seen, inspected.event);
      this.#taken(seen, inspected.event, inspected.snapshot as AnyMachineSnapshot);
    }
  }

  #arrived(seen: Seen, event: SeenEvent): void {
    const { timeMs, elapsedMs } = { timeMs: this.#clock.now(), elapsedMs: this.#clock.elapsedMs() };
    const weight = weightOf(event);
    const note: Note = { seen, event, weight, timeMs, elapsedMs, armed: [], actions: [], before: null, after: null };
    seen.open.push(note);
    const isFull = this.#notes.length >= NOTES_WAITING_MAX || this.#weight + weight > WEIGHT_WAITING_MAX;
    if (isFull || this.#droppedCount > 0) this.#droppedCount += 1;
    else {
      this.#notes.push(note);
      this.#weight += weight;
    }
    this.#wake();
  }

  #taken(seen: Seen, event: SeenEvent, after: AnyMachineSnapshot): void {
    // Notes before this event's are of events that were sent to an actor that had ended.
    let note = seen.open.shift();
    while (note !== undefined && note.event !== event) note = seen.open.shift();
    if (note !== undefined) {
      note.before = seen.snapshot;
      note.after = after;
    }
    seen.snapshot = after;
  }

  /** XState's inspection does not say that an actor crashed: its owner is told, and with it we are. */
  #rootCrashed(actor: AnyActor, error: unknown): void {
    this.#crashed(this.#seenByActor.get(actor), error);
    this.#leave(actor);
  }

  #noteProberCrash(inspected: InspectionEvent): void {
    if (inspected.type !== '@xstate.event' || !inspected.event.type.startsWith('xstate.error.actor.')) return;
    if (inspected.sourceRef === undefined) return;
    this.#crashed(this.#seenByActor.get(inspected.sourceRef), inspected.event['error']);
  }

  #crashed(seen: Seen | undefined, error: unknown): void {
    const note = seen?.open.splice(0)[0];
    if (seen === undefined || note === undefined || seen.snapshot === null) return;
    note.before = seen.snapshot;
    note.after = { ...seen.snapshot, status: 'error', error } as AnyMachineSnapshot;
  }

  /** Nothing more will be said of an actor that has ended. */
  #leave(actor: AnyActor): void {
    for (const subscription of this.#subscriptionsByRoot.get(actor) ?? []) subscription.unsubscribe();
    this.#subscriptionsByRoot.delete(actor);
  }
}

/** Beside texts: a note, its place in lists, and the numbers in its event. */
const NOTE_CHARACTERS = 200;
/** An event holds what it is about (a definition, a backend) within so many levels. */
const WEIGHED_DEPTH = 6;
/** An event that has more parts than this is a definition with many routes; the rest is taken to weigh as much as the first. */
const WEIGHED_PARTS_MAX = 1_000;

/**
 * About how many characters an event keeps alive. Not its length as JSON, which would have to be made at each `send`; and what a machine
 * makes of an event is made of the texts in it.
 */
function weightOf(event: SeenEvent): number {
  let characters = NOTE_CHARACTERS;
  let partsCount = 0;
  const weigh = (part: unknown, depth: number): void => {
    if (typeof part === 'string') characters += part.length;
    if (typeof part !== 'object' || part === null || depth === WEIGHED_DEPTH) return;
    for (const key in part) {
      if (isWorld(key)) continue;
      if (++partsCount > WEIGHED_PARTS_MAX) return;
      weigh((part as Record<string, unknown>)[key], depth + 1);
    }
  };
  weigh(event, 0);
  return characters;
}

/** The kind of the root in whose system an actor lives. */
function hostOf(kind: MachineKind): MachineKind {
  return kind === 'prober' ? 'backend' : kind;
}

function noteAction(note: Note | undefined, action: { readonly type: string; readonly params: unknown }): void {
  if (action.type === 'xstate.raise') {
    const { event, delay } = action.params as { readonly event: SeenEvent; readonly delay?: number };
    if (delay !== undefined) note?.armed.push({ event: event.type, delayMs: delay });
  } else if (!action.type.startsWith('xstate.')) {
    note?.actions.push(action.type);
  }
}

function armedBy(actor: AnyActorRef): ArmedTimer[] {
  const { _scheduledEvents: scheduled } = actor.system.getSnapshot();
  return Object.values(scheduled)
    .filter(({ source }) => source === actor)
    .map(({ event, delay }) => ({ event: event.type, delayMs: delay }));
}

function childrenOf({ children }: AnyMachineSnapshot): FoundLine['children'] {
  return Object.entries(children).map(([id, child]) => {
    const { src } = child as AnyActorRef;
    return { id, source: typeof src === 'string' ? src : 'an actor without a name' };
  });
}

function lineOf({ seen, event, before, armed, actions, timeMs, elapsedMs }: Note, after: AnyMachineSnapshot) {
  const { kind, id } = seen;
  const { status, context } = after;
  const line = { timeMs, elapsedMs, kind, id, status, state: stateText(after.value), armed };
  if (before === null) {
    const started: StartedLine = {
      type: 'started',
      ...line,
      input: plainView(event['input']),
      context: plainView(context),
    };
    return started;
  }
  const taken: EventLine = {
    type: 'event',
    ...line,
    event: plainView(event) as SeenEvent,
    before: stateText(before.value),
    ...(context !== before.context && { context: plainView(context) }),
    actions,
    ...(status === 'error' && { reason: messageOf(after.error) }),
  };
  return taken;
}
