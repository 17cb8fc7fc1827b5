/**
 * Walks through a log for the step screen, and for plain lines: makes a card of where the walk stands, and lists the events
 * around it.
 */
import { decodeEvent, eligibility, viewpointOf, type RecordedEvent, type Roster } from '@muster/membership';
import {
  eventFilter,
  parseEventFilter,
  ReplayError,
  walk,
  type EventPredicate,
  type FieldChange,
  type Replay,
  type Step,
  type Walk,
} from '@muster/replay';
import { entityName, fromToText, valueText } from '@muster/questions';
import { checkText, dateAndTime, printable, timeOfDay } from '@muster/questions/text';
import { describeEvent } from '@muster/questions/text/event-text';
import type { CardLine, EventRow, Shown, StepCard } from './step-card.ts';

/** Events listed on either side of the one that is shown, where the log has so many: more than a terminal has lines. */
const ROWS_AROUND = 100;
const ROWS_KEPT_MAX = 5_000;
/** Backends that take no traffic, listed of each pool. */
const OUT_SHOWN_MAX = 8;

/** Where to go. */
export type Move =
  | { readonly kind: 'here' }
  /** So many events on, or back where it is negative. */
  | { readonly kind: 'by'; readonly count: number }
  | { readonly kind: 'first' }
  | { readonly kind: 'last' }
  /** A moment, as text. */
  | { readonly kind: 'jump'; readonly text: string }
  /** The next event that the text fits: `pool=spells type=BackendEjected`, or any part of its line. */
  | { readonly kind: 'search'; readonly text: string; readonly direction: 'forwards' | 'backwards' };

export interface StepRange {
  readonly fromRevision: number;
  readonly toRevision: number;
}

export class StepReader {
  readonly #replay: Replay;
  readonly #node: string;
  readonly #now: () => number;
  readonly #walk: Walk;
  readonly #rows = new Map<number, EventRow>();

  /** `at`: the revision to begin with. */
  constructor(
    replay: Replay,
    options: { readonly at: number; readonly node: string | undefined; readonly now: () => number },
  ) {
    this.#replay = replay;
    this.#node = options.node ?? replay.source.node;
    this.#now = options.now;
    this.#walk = walk(replay, options.at, { node: this.#node });
  }

  get node(): string {
    return this.#node;
  }

  async range(): Promise<StepRange> {
    const { firstRevision, revision } = await this.#replay.source.head();
    return { fromRevision: Math.max(1, firstRevision), toRevision: revision };
  }

  /** Null where there is nothing that way. Throws `ReplayError`. */
  async go(move: Move): Promise<Shown | null> {
    const step = await this.#step(move);
    return step === null ? null : { card: this.cardOf(step), rows: await this.#rowsAround(step.event.revision) };
  }

  /** Where the walk stands, without a card; null before the first event. */
  hereStep(): Promise<Step | null> {
    return this.#walk.here();
  }

  /** The next one, without a card; null at the end. */
  nextStep(): Promise<Step | null> {
    return this.#walk.next();
  }

  async #step(move: Move): Promise<Step | null> {
    switch (move.kind) {
      case 'here':
        return this.#walk.here();
      case 'by':
        return this.#by(move.count);
      case 'first':
        return this.#first();
      case 'last':
        return this.#walk.jump((await this.range()).toRevision);
      case 'jump':
        return this.#walk.jump((await this.#replay.resolve(move.text, this.#now())).revision);
      case 'search':
        return this.#walk.search(eventSearch(move.text), move.direction);
    }
  }

  async #by(count: number): Promise<Step | null> {
    let reached: Step | null = null;
    for (let left = Math.abs(count); left > 0; left--) {
      const step = count > 0 ? await this.#walk.next() : await this.#walk.previous();
      if (step === null) break;
      reached = step;
    }
    return reached;
  }

  async #first(): Promise<Step | null> {
    for await (const { revision } of this.#replay.source.read()) return this.#walk.jump(revision);
    return null;
  }

  async #rowsAround(revision: number): Promise<readonly EventRow[]> {
    const { fromRevision, toRevision } = await this.range();
    const [from, to] = [Math.max(fromRevision, revision - ROWS_AROUND), Math.min(toRevision, revision + ROWS_AROUND)];
    const rows: EventRow[] = [];
    for await (const event of this.#replay.source.read({ fromRevision: from, toRevision: to }))
      rows.push(this.#row(event));
    return rows;
  }

  #row(event: RecordedEvent): EventRow {
    const kept = this.#rows.get(event.revision);
    if (kept !== undefined) return kept;
    if (this.#rows.size >= ROWS_KEPT_MAX) this.#rows.clear();
    const row = { revision: event.revision, text: rowText(event) };
    this.#rows.set(event.revision, row);
    return row;
  }

  cardOf(step: Step): StepCard {
    const { event, roster, check } = step;
    const isSound = check.outcome === 'checked' && check.disagreeing.length === 0;
    return {
      revision: event.revision,
      timeMs: event.timeMs,
      changes: changeLines(step),
      state: stateLines(roster, this.#node),
      event: eventLines(step, roster.cluster),
      check: { text: printable(checkText(check)), colour: isSound ? 'green' : 'yellow' },
    };
  }
}

function rowText(event: RecordedEvent): string {
  return `${timeOfDay(event.timeMs)}  ${describeEvent(event)}`;
}

const FILTER_WORD = /^[a-zA-Z]+=\S+$/;

/** Throws `ReplayError` `invalid-question` for filters that make no sense. */
export function eventSearch(text: string): EventPredicate {
  const words = text.trim().split(/\s+/);
  if (text.trim() === '') throw new ReplayError('invalid-question', 'there is nothing to search for');
  if (words.every((word) => FILTER_WORD.test(word))) {
    return eventFilter(parseEventFilter(Object.fromEntries(words.map((word) => word.split(/=(.*)/s).slice(0, 2)))));
  }
  const wanted = text.trim().toLowerCase();
  return (event) => rowText(event).toLowerCase().includes(wanted) || event.id === text.trim();
}

const COLOURS = { added: 'green', removed: 'red', changed: 'yellow' } as const;
const MARKS = { added: '+', removed: '-', changed: '~' } as const;

function changeLines({ rejection, changes }: Step): CardLine[] {
  if (rejection !== null) {
    const why = printable(`${rejection.reason}: ${rejection.message}`);
    return [{ text: 'passed over by every node:', colour: 'red' }, { text: why }];
  }
  if (changes.length === 0) return [{ text: 'nothing: what it says was so already', colour: 'dim' }];
  return changes.flatMap((change) => {
    const head = { text: `${MARKS[change.change]} ${entityName(change)}`, colour: COLOURS[change.change] };
    if (change.change === 'removed') return [head];
    if (change.fields.length === 0) return [head, { text: '  the same again' }];
    // Of what is new, only what there is.
    const isNew = change.change === 'added';
    const fields = change.fields.filter(({ after }) => !isNew || (after !== null && after.value !== null));
    const width = Math.max(0, ...fields.map(({ field }) => field.length));
    const text = (field: FieldChange): string => (isNew ? valueText(field.after!) : fromToText(field));
    return [head, ...fields.map((field) => ({ text: `  ${field.field.padEnd(width)}  ${text(field)}` }))];
  });
}

/** Each pool, and below it those that take no traffic, with the event that keeps them out. */
function stateLines(roster: Roster, node: string): CardLine[] {
  const viewpoint = viewpointOf(roster, node);
  const lines: CardLine[] = [];
  for (const pool of roster.pools.values()) {
    const out: CardLine[] = [];
    let outCount = 0;
    for (const backend of pool.backends.values()) {
      const found = eligibility(backend, pool.spec, viewpoint);
      if (found.isEligible) continue;
      outCount += 1;
      if (outCount > OUT_SHOWN_MAX) continue;
      const { axis, value, revision, reason } = found;
      const why = reason === null ? '' : `: ${reason}`;
      out.push({ text: printable(`  ${backend.id}  ${axis} ${value}, event ${revision}${why}`), colour: 'red' });
    }
    const { size } = pool.backends;
    const isEmpty = outCount === size;
    lines.push(
      { text: `pool ${pool.id}: ${size - outCount} of ${size} eligible`, colour: isEmpty ? 'red' : 'bold' },
      ...out,
    );
    if (outCount > OUT_SHOWN_MAX) lines.push({ text: `  and ${outCount - OUT_SHOWN_MAX} more`, colour: 'red' });
  }
  for (const { id, spec } of roster.listeners.values()) {
    lines.push({ text: printable(`listener ${id}: ${spec.protocol} on ${spec.bind}`) });
  }
  for (const { id, state } of roster.nodes.values()) {
    lines.push({ text: `node ${id}: ${state.value}`, ...(state.value === 'stopped' && { colour: 'yellow' as const }) });
  }
  return lines.length === 0 ? [{ text: 'nothing yet', colour: 'dim' }] : lines;
}

function eventLines({ event }: Step, cluster: string): CardLine[] {
  const decoded = decodeEvent(event, cluster);
  const body = 'reason' in decoded ? event.payload : JSON.stringify(decoded.event, null, 2);
  return [
    { text: printable(`revision  ${event.revision}`) },
    { text: `time      ${dateAndTime(event.timeMs)}` },
    { text: printable(`origin    ${event.origin ?? '(none)'}`) },
    { text: printable(`subject   ${event.subject}`) },
    { text: printable(`id        ${event.id}`) },
    { text: '' },
    ...body.split('\n').map((text) => ({ text: printable(text) })),
  ];
}
