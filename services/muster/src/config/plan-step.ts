/**
 * One step of a plan, and how a declared entity compares with what the roster holds of it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Command, ListenerSpec, PoolSpec, SortedMap } from '@muster/membership';

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
    }
  | { readonly action: 'unchanged'; readonly kind: EntityKind; readonly name: string }
  | {
      readonly action: 'left-alone';
      readonly kind: EntityKind;
      readonly name: string;
      readonly changes: readonly FieldChange[];
      /** For people: `owned by cli:alice@host`. */
      readonly why: string;
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
  readonly backends: SortedMap<PlannedBackend>;
}
export interface PlannedBackend {
  readonly id: string;
  readonly target: { readonly value: string };
  readonly weight: { readonly value: number };
  readonly leaseMs: number | null;
  readonly origin: string | null;
}
export interface PlannedListener {
  readonly id: string;
  readonly spec: ListenerSpec;
  readonly origin: string | null;
}

/** What a removal's event gives as its reason. */
export const REASON = 'no longer in the config';

export function isEffective(step: PlanStep): step is EffectiveStep {
  return 'command' in step;
}

/** `before` is null for what is new. */
export function planEntity(
  entity: { readonly kind: EntityKind; readonly name: string; readonly command: Command },
  {
    before,
    after,
    origin,
  }: { before: { fields: object; origin: string | null } | null; after: object; origin: string },
): PlanStep {
  const { kind, name, command } = entity;
  const changes = differences(before?.fields ?? {}, after);
  if (before === null) return { action: 'add', kind, name, changes, command };
  if (changes.length === 0) return { action: 'unchanged', kind, name };
  if (before.origin !== origin) {
    return { action: 'left-alone', kind, name, changes, why: ownedBy(before.origin) };
  }
  return { action: 'change', kind, name, changes, command };
}

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
