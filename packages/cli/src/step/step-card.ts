/** What the step screen shows of one event: plain lines, each with its colour. Nothing here knows how wide a terminal is. */
import type { Colour } from '@muster/questions/text';

/** `text` has no control characters and no colours of its own. */
export interface CardLine {
  readonly text: string;
  readonly colour?: Colour;
}

/** One event in the list. */
export interface EventRow {
  readonly revision: number;
  readonly text: string;
}

export interface StepCard {
  readonly revision: number;
  readonly timeMs: number;
  /** What it changed, entity by entity; or why it was passed over. */
  readonly changes: readonly CardLine[];
  /** The pools after it. */
  readonly state: readonly CardLine[];
  /** The event itself. */
  readonly event: readonly CardLine[];
  /** What the states were compared with, in a line. */
  readonly check: CardLine;
}

/** A card, and the events around it, ascending. */
export interface Shown {
  readonly card: StepCard;
  readonly rows: readonly EventRow[];
}
