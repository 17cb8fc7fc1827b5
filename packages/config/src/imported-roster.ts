/**
 * A roster, or a part of one, as something of ours has written it: the answer of `GET /v1/roster`, or what `status`, `replay`,
 * `pool`, `backend` and `listener` print with `--json`. Of all that stands there it takes what somebody has published: specs,
 * backends, modes, and who set them. What nodes saw is theirs to see again.
 */
import {
  backendFields,
  leaseMsSchema,
  listenerSpecSchema,
  MODES,
  nameSchema,
  poolSpecSchema,
} from '@muster/membership';
import { z } from 'zod';
import { explainIssues } from '@muster/questions';

const origin = z.string().min(1).max(256).nullable();
/** A value alone, or with the event that set it. */
const sourced = <Value extends z.ZodType>(value: Value) =>
  z.preprocess(
    (given) => (typeof given === 'object' && given !== null && 'value' in given ? given.value : given),
    value,
  );

const backendSchema = z.object({
  pool: nameSchema,
  id: nameSchema,
  target: sourced(backendFields.target),
  weight: sourced(backendFields.weight),
  mode: z.object({ value: z.enum(MODES), reason: z.string().min(1).max(500).nullable(), origin: origin.optional() }),
  leaseMs: leaseMsSchema.nullable(),
  origin,
});
const poolSchema = z.object({
  id: nameSchema,
  spec: poolSpecSchema,
  origin,
  backends: z.array(backendSchema).default([]),
});
const listenerSchema = z.object({ id: nameSchema, spec: listenerSpecSchema, origin });
const rosterSchema = z.object({ pools: z.array(poolSchema), listeners: z.array(listenerSchema) });

export type ImportedBackend = z.output<typeof backendSchema>;
type ImportedPool = z.output<typeof poolSchema>;
type ImportedListener = z.output<typeof listenerSchema>;
export interface ImportedRoster {
  readonly pools: readonly ImportedPool[];
  readonly listeners: readonly ImportedListener[];
  /** The backends that were listed without their pools. */
  readonly backends: readonly ImportedBackend[];
}

export type ImportReading =
  | { readonly outcome: 'read'; readonly roster: ImportedRoster }
  /** For people: what is wrong with the text, and what it may be. */
  | { readonly outcome: 'refused'; readonly why: string };

const EXPECTED =
  'it must be a listing with --json (muster status, replay, pool list, backend list, listener list), the answer of GET /v1/roster, or an incident file';

export function readRoster(text: string): ImportReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { outcome: 'refused', why: `it is not JSON (${(error as Error).message.slice(0, 120)}); ${EXPECTED}` };
  }
  return rosterOf(value);
}

/** The same of a value, such as a past state. */
export function rosterOf(value: unknown): ImportReading {
  const table = isTable(value) && isTable(value['roster']) ? value['roster'] : value;
  if (isTable(table) && 'pools' in table) {
    return judged(rosterSchema, table, ({ pools, listeners }) => ({ pools, listeners, backends: [] }));
  }
  const entries: readonly unknown[] = Array.isArray(table) ? table : [table];
  const parts = {
    pools: entries.filter((entry) => kindOf(entry) === 'pool'),
    listeners: entries.filter((entry) => kindOf(entry) === 'listener'),
    backends: entries.filter((entry) => kindOf(entry) === 'backend'),
  };
  const knownCount = parts.pools.length + parts.listeners.length + parts.backends.length;
  if (knownCount < entries.length || entries.length === 0) {
    return { outcome: 'refused', why: `it holds no pools, backends or listeners; ${EXPECTED}` };
  }
  const schema = rosterSchema.extend({ backends: z.array(backendSchema) });
  return judged(schema, parts, (roster) => roster);
}

function judged<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  toRoster: (parsed: z.output<Schema>) => ImportedRoster,
): ImportReading {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { outcome: 'read', roster: toRoster(parsed.data) };
  const [first, ...rest] = explainIssues(parsed.error.issues, schema, value);
  const more = rest.length === 0 ? '' : `; and ${rest.length} more`;
  return { outcome: 'refused', why: `${first!.what}; ${first!.fix}${more}` };
}

function kindOf(entry: unknown): 'pool' | 'listener' | 'backend' | null {
  if (!isTable(entry)) return null;
  if (isTable(entry['spec'])) return 'bind' in entry['spec'] ? 'listener' : 'pool';
  return 'target' in entry && 'pool' in entry ? 'backend' : null;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
