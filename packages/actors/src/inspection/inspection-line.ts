/**
 * What can be seen of a live actor, line by line: in which state it was found, then each event that it took and what it
 * became by it. Plain JSON, so that a line can be shown, sent and kept.
 *
 *     {"type":"found","kind":"prober","id":"spells/spells-1","state":"settled","context":{…},"armed":[],"children":[],…}
 *     {"type":"event","kind":"prober","id":"spells/spells-1","event":{"type":"contradicted",…},"before":"settled","state":"doubting",…}
 *
 * The lines of one actor, from the first to the last, are its recording: a fresh actor that is given the same events at the same
 * times becomes the same (`replay-actor.ts`). What a machine was handed of the world (ports, sockets, functions) is left out.
 */

/** The machines of a node that can be looked at. */
export const MACHINE_KINDS = ['node', 'listener', 'backend', 'prober', 'worker'] as const;

export type MachineKind = (typeof MACHINE_KINDS)[number];

/** Which actors to show; null: any. */
export interface InspectionQuery {
  readonly kind: MachineKind | null;
  /** `lb-1`, `web`, `spells/spells-1` (backend, prober), or a worker's index. */
  readonly id: string | null;
}

/** A delayed event that an actor has set for itself. */
export interface ArmedTimer {
  /** For example `xstate.after.restart.backend.recovering`. */
  readonly event: string;
  /** How long after it was set. */
  readonly delayMs: number;
}

export interface SeenEvent {
  /** The machine's own, or XState's: `xstate.after.…`, `xstate.done.actor.…`, `xstate.error.actor.…`, `xstate.stop`. */
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Line {
  /** ms since 1970. */
  readonly timeMs: number;
  /** Milliseconds by the clock of the node's process, which never steps. */
  readonly elapsedMs: number;
  readonly kind: MachineKind;
  readonly id: string;
  /** `active`; `done`: it is in its final state; `stopped`: by its owner; `error`: it crashed. */
  readonly status: 'active' | 'done' | 'stopped' | 'error';
  /** `serving`, nested ones with a dot: `following.serving`. */
  readonly state: string;
  /** Timers that it armed by this event and, when it was found, those that were armed then. */
  readonly armed: readonly ArmedTimer[];
}

/** It lived already when somebody began to look. */
export interface FoundLine extends Line {
  readonly type: 'found';
  readonly context: unknown;
  readonly children: readonly { readonly id: string; readonly source: string }[];
}

/** It was born while somebody looked. */
export interface StartedLine extends Line {
  readonly type: 'started';
  readonly input: unknown;
  readonly context: unknown;
}

/** It took an event. An event that changes nothing is shown, too. */
export interface EventLine extends Line {
  readonly type: 'event';
  readonly event: SeenEvent;
  /** The state before. */
  readonly before: string;
  /** The context after the event; absent where the event changed nothing of it. */
  readonly context?: unknown;
  /** The machine's own actions that ran, by name. */
  readonly actions: readonly string[];
  /** Why it crashed; absent where it did not. */
  readonly reason?: string;
}

export type ActorLine = FoundLine | StartedLine | EventLine;

export type InspectionLine =
  | ActorLine
  /** Whatever lives already has been shown; from here on, what happens. */
  | { readonly type: 'following'; readonly timeMs: number; readonly actorsCount: number }
  /** Whoever looks was too slow for so many lines, which are missing here. */
  | { readonly type: 'dropped'; readonly timeMs: number; readonly linesCount: number };

/** An XState state value as text: `following.serving`. The backend has two at a time: `probing.probed, ejection.admitted`. */
export function stateText(value: unknown): string {
  if (typeof value === 'string') return value;
  const parts = Object.entries(value as Record<string, unknown>);
  return parts.map(([outer, inner]) => `${outer}.${stateText(inner)}`).join(', ');
}

/** The state value of a text by `stateText`. */
export function stateValue(text: string): string | { [outer: string]: ReturnType<typeof stateValue> } {
  if (!text.includes('.')) return text;
  const regions = text.split(', ').map((region) => {
    const [outer = '', ...inner] = region.split('.');
    return [outer, stateValue(inner.join('.'))] as const;
  });
  return Object.fromEntries(regions);
}

/** What a machine is handed of the world, under the names that all machines give it. */
const WORLD = new Set(['ports', 'duties', 'round']);

/** Whether a field is a part of the world, or a socket of it. */
export function isWorld(field: string): boolean {
  return WORLD.has(field) || field === 'socket';
}

/** Input, context or event as plain JSON, without the world. */
export function plainView(value: unknown): unknown {
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (WORLD.has(key)) return undefined;
    if (part instanceof Error) return { message: part.message };
    if (key === 'socket' && part !== null) return { boundAddress: (part as { boundAddress: string }).boundAddress };
    return part;
  });
  return text === undefined ? undefined : JSON.parse(text);
}
