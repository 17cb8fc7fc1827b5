/** What a request may say: the schemas of queries and bodies, and the words for what does not fit them. */
import { MACHINE_KINDS } from '@muster/actors';
import { isName } from '@muster/membership';
import { EVENT_FILTER_FIELDS } from '@muster/replay/event-filter';
import { z } from 'zod';
import { explainFirst, RECORDING_SECONDS_MAX } from '@muster/questions';
import { ApiError } from './api-error.ts';

const revision = z.coerce.number().pipe(z.int().min(0));
const flag = z.enum(['true', 'false', '1', '0', '']).transform((text) => text !== 'false' && text !== '0');

/** The fields come as texts, which `parseEventFilter` judges. */
const eventFilterFields = Object.fromEntries(
  Object.entries(EVENT_FILTER_FIELDS).map(([field, meaning]) => [
    field,
    z.string().min(1).max(1_024).optional().describe(`only events ${meaning}`),
  ]),
) as Record<keyof typeof EVENT_FILTER_FIELDS, z.ZodOptional<z.ZodString>>;

export const eventQuerySchema = z.strictObject({
  from: revision
    .optional()
    .describe('the first revision wanted; the oldest, or with rejected the newest 100,000, when left out'),
  last: revision.optional().describe('in place of from: the newest so many revisions, or fewer where the log was cut'),
  to: revision.optional().describe('the last revision wanted'),
  limit: z.coerce.number().pipe(z.int().min(0)).optional().describe('events at most'),
  follow: flag.default(false).describe('go on with what is appended from now on'),
  rejected: flag.default(false).describe('only the events that every node passes over, with the reason'),
  ...eventFilterFields,
});

export type EventRequest = z.infer<typeof eventQuerySchema>;

/** Of one answer: they are made while traffic waits. */
const DECISIONS_MAX = 100;

export const decisionQuerySchema = z.strictObject({
  requestId: z
    .string()
    .regex(/^[!-~]{1,256}$/, 'a request id has 1 to 256 printable ASCII characters without spaces')
    .optional()
    .describe('only decisions about that request; about any when left out'),
  limit: z.coerce
    .number()
    .pipe(z.int().min(1).max(DECISIONS_MAX))
    .optional()
    .describe('decisions at most, the newest first; 20 when left out'),
  candidates: flag.default(false).describe('with the backends that there were to pick from, in pools of up to 64'),
});

export const inspectQuerySchema = z.strictObject({
  kind: z.enum(MACHINE_KINDS).optional().describe('which machines; all when left out'),
  id: z
    .string()
    .regex(/^[a-z0-9/-]{1,129}$/, "an id is a name such as web or lb-1, POOL/BACKEND, or a worker's index")
    .optional()
    .describe('which of them: web, spells, spells/spells-1 (backend, prober, ejection), 0 (worker); all when left out'),
  follow: flag.default(false).describe('go on with what happens from now on'),
});

export const recordingSchema = z.strictObject({
  seconds: z.int().min(0).max(RECORDING_SECONDS_MAX).describe('for how long, from now on; 0 ends it'),
});

export const newEventSchema = z.strictObject({
  subject: z.string().min(1).max(400).describe('for example muster.default.pool.spells'),
  payload: z
    .union([z.record(z.string(), z.unknown()), z.string()])
    .describe('the event as a JSON object, or as its text'),
  id: z
    .string()
    .regex(/^[!-~]{1,128}$/, 'an id has 1 to 128 printable ASCII characters without spaces')
    .optional()
    .describe('appending the same id again is the same event; a new one when left out'),
  expectedRevision: z
    .int()
    .min(0)
    .optional()
    .describe('append only if the newest event on the subject has this revision'),
});

export const poolParamsSchema = z.strictObject({ pool: z.string().min(1).max(200) });

/** Faults of a request that are told; the others are counted. */
const EXPLAINED_MAX = 3;

/** The answer to what a schema refused, naming each field, or null when it took the value. */
export function checkRequest(schema: z.ZodType, value: unknown): { value: unknown } | { error: ApiError } {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  const { explanations, restCount } = explainFirst(result.error.issues, { schema, value, max: EXPLAINED_MAX });
  const shown = explanations.map(({ what, fix }) => `${what}; ${fix}`);
  const message = shown.join('. ') + (restCount > 0 ? `. And ${restCount} more` : '');
  const suggestion = explanations.find((explanation) => explanation.suggestion !== null)?.suggestion ?? null;
  return { error: new ApiError(400, { code: 'invalid', message, suggestion }) };
}

const CONTROL_CHARACTER = /\p{Cc}/u;
const ORIGIN_CHARACTERS_MAX = 256;

/** Who publishes, from the `Muster-Origin` header; `api:ADDRESS` where there is none. */
export function originOf(header: string | string[] | undefined, remoteAddress: string): string {
  if (header === undefined) return `api:${remoteAddress}`;
  const origin = String(header).trim();
  if (origin.length > 0 && origin.length <= ORIGIN_CHARACTERS_MAX && !CONTROL_CHARACTER.test(origin)) return origin;
  const message = `the header Muster-Origin has 1 to ${ORIGIN_CHARACTERS_MAX} characters, none of control`;
  throw new ApiError(400, { code: 'invalid', message });
}

/** A pool's name as a message shows it. */
export function shownName(name: string): string {
  return isName(name) ? `"${name}"` : JSON.stringify(name.slice(0, 80));
}
