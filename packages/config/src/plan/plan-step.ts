/**
 * One step of a plan, and how a declared entity compares with what the roster holds of it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Command, ListenerSpec, PoolSpec, SortedMap } from '@muster/membership';
import type { NodeSettings } from '../node-settings.ts';

export type EntityKind = 'pool' | 'backend' | 'listener';

/** One value that a step changes, as JSON; undefined where it is not set. */
export interface FieldChange {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

export type PlanStep =
  | {
      readonly action: 'add' | 'change' | 'remove';
      readonly kind: EntityKind;
      /** `spells`, or `spells/spells-1` for a backend. */
      readonly name: string;
      readonly changes: readonly FieldChange[];
      readonly command: Command;
      /** Who owns it until this step, where that is somebody else. */
      readonly takenFrom?: string | null;
    }
  | { readonly action: 'unchanged'; readonly kind: EntityKind; readonly name: string }
  | {
      readonly action: 'left-alone';
      readonly kind: EntityKind;
      readonly name: string;
      readonly changes: readonly FieldChange[];
      /** For people: `owned by cli:alice@host`. */
      readonly why: string;
      /** True where the file would have it otherwise, and taking over would make it so. */
      readonly canBeTaken: boolean;
    };

/** The steps that append something. */
export type EffectiveStep = Extract<PlanStep, { command: Command }>;

/** As much of a roster as a plan looks at; `Roster` fits, and so does the admin API's answer. */
export interface PlannedRoster {
  readonly pools: SortedMap<PlannedPool>;
  readonly listeners: SortedMap<PlannedListener>;
}
export interface PlannedPool {
  readonly id: string;
  readonly spec: PoolSpec;
  readonly origin: string | null;
  readonly revision: number;
  readonly backends: SortedMap<PlannedBackend>;
}
export interface PlannedBackend {
  readonly id: string;
  readonly target: { readonly value: string };
  readonly weight: { readonly value: number };
  readonly leaseMs: number | null;
  readonly origin: string | null;
  readonly revision: number;
}
export interface PlannedListener {
  readonly id: string;
  readonly spec: ListenerSpec;
  readonly origin: string | null;
  readonly revision: number;
}

/** What a removal's event gives as its reason. */
export const REASON = 'no longer in the config';

export function isEffective(step: PlanStep): step is EffectiveStep {
  return 'command' in step;
}

/** Whose plan it is. */
export interface PlanAuthor {
  readonly origin: string;
  /** What the file declares is made its own, whoever set it last. */
  readonly takesOver: boolean;
}

export interface Compared {
  /** Null for what is new. */
  readonly before: { readonly fields: object; readonly origin: string | null; readonly revision: number } | null;
  readonly after: object;
}

export function planEntity(
  entity: { readonly kind: EntityKind; readonly name: string; readonly command: DefiningCommand },
  { before, after }: Compared,
  { origin, takesOver }: PlanAuthor,
): PlanStep {
  const { kind, name, command } = entity;
  const changes = differences(before?.fields ?? {}, after);
  if (before === null) return { action: 'add', kind, name, changes, command };
  if (before.origin === origin) {
    return changes.length === 0
      ? { action: 'unchanged', kind, name }
      : { action: 'change', kind, name, changes, command };
  }
  if (takesOver) {
    const taking = { ...command, takeOver: true };
    return { action: 'change', kind, name, changes, command: taking, takenFrom: before.origin };
  }
  if (changes.length === 0) return { action: 'unchanged', kind, name };
  // A backend's revision may be that of its mode, which is no business of a file's.
  const since = kind === 'backend' ? '' : ` since event ${before.revision}`;
  const why = `it differs from the file${since}, by ${before.origin ?? 'a publisher that gave no name'}`;
  return { action: 'left-alone', kind, name, changes, why, canBeTaken: true };
}

export type DefiningCommand = Extract<Command, { type: 'DefinePool' | 'RegisterBackend' | 'DefineListener' }>;

export function ownedBy(origin: string | null): string {
  return origin === null ? 'owned by a publisher that gave no name' : `owned by ${origin}`;
}

function differences(from: object, to: object): FieldChange[] {
  const before = from as Record<string, unknown>;
  const after = to as Record<string, unknown>;
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => ({ field, from: before[field], to: after[field] }));
}

/** From what is in force to what the file says; each needs a restart. */
export function settingChanges(inForce: NodeSettings, wanted: NodeSettings): FieldChange[] {
  return [...new Set([...Object.keys(inForce), ...Object.keys(wanted)])]
    .filter((field) => !isDeepStrictEqual(inForce[field], wanted[field]))
    .map((field) => ({ field, from: inForce[field], to: wanted[field] }));
}
