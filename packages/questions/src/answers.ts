/** What the admin API answers beside questions: refusals, and what became of a person's word on the journal's history. */
import type { NodeHandle } from '@muster/actors';
import type { restoringEvent } from '@muster/membership';

export type Adopted = Extract<Awaited<ReturnType<NodeHandle['adoptEpoch']>>, { outcome: 'adopted' }>;
export type SnapshotSaved = Extract<Awaited<ReturnType<NodeHandle['saveSnapshot']>>, { outcome: 'saved' }>;

/** What `restore-history` would write. */
export interface MissingView {
  readonly outcome: 'shown';
  /** The history that it would be written into; null: one that is made for it. */
  readonly epoch: string | null;
  readonly events: readonly ReturnType<typeof restoringEvent>[];
}

/** Every refusal of the admin API, and with `--json` every failure of a command. */
export interface ApiErrorBody {
  readonly error: {
    /** For programs, for example `unknown-pool`. */
    readonly code: string;
    /** For people: what happened, to which thing, and what to do. */
    readonly message: string;
    /** The name that was most likely meant; absent where there is none. */
    readonly suggestion?: string;
  };
}

/** `suggestion` is left out where there is none. */
export function errorBody({ code, message, suggestion }: Refusal): ApiErrorBody {
  return { error: { code, message, ...(suggestion !== null && { suggestion }) } };
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly suggestion: string | null;
}
