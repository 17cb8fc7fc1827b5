/**
 * A change of some fields of a pool, a backend or a listener, as a JSON Merge Patch (RFC 7396): what is named is set, what is null
 * is taken away, tables inside are changed field by field, lists are replaced, and everything else stays as it is.
 *
 *     {"policy": "random", "health": {"intervalMs": 1000}, "slowStartMs": null}
 *
 * The schemas are made of those of the specs, so a new field of a spec can be changed without a word here. They check each field by
 * itself; whether the whole still fits together, only the spec's own schema can say, once it is merged.
 */
import { z } from 'zod';
import { backendFields, listenerSpecSchema, poolSpecSchema } from '../vocabulary/event.ts';

/** Fields by name; null takes one away. */
export type SpecChange = Readonly<Record<string, unknown>>;

export const poolChangeSchema = changeOf(poolSpecSchema.shape);
export const listenerChangeSchema = changeOf(listenerSpecSchema.shape);
export const backendChangeSchema = changeOf(backendFields);

/** `target` with the patch in it; neither is touched. */
export function mergePatch(target: object, patch: SpecChange): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...target };
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else merged[field] = isTable(value) ? mergePatch(tableOf(merged[field]), value) : value;
  }
  return merged;
}

function isTable(value: unknown): value is SpecChange {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tableOf(value: unknown): object {
  return isTable(value) ? value : {};
}

type Shape = Readonly<Record<string, z.core.$ZodType>>;

function changeOf(...shapes: Shape[]): z.ZodType<SpecChange> {
  const fields = shapes.flatMap((shape) => Object.entries(shape)).map(([name, field]) => [name, changedField(field)]);
  return z.strictObject(Object.fromEntries(fields) as Record<string, z.ZodType>);
}

function changedField(field: z.core.$ZodType): z.ZodType {
  const { description } = field as z.ZodType;
  const changed = valueOf(field).nullable().optional();
  return description === undefined ? changed : changed.describe(description);
}

/** Tables lose what is required and what has a default in them, and of several tables to choose from any field may be named. */
function valueOf(field: z.core.$ZodType): z.ZodType {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault) return valueOf(field.unwrap());
  if (field instanceof z.ZodObject) return changeOf(field.shape);
  if (!(field instanceof z.ZodUnion)) return field as z.ZodType;
  const options = field.options as readonly z.ZodType[];
  const tables = options.filter((option) => option instanceof z.ZodObject);
  if (tables.length === 0) return field;
  const table = changeOf(...tables.map(({ shape }) => shape as Shape));
  const others = options.filter((option) => !(option instanceof z.ZodObject));
  return others.length === 0 ? table : z.union([...others, table]);
}
