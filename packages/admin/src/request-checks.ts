/** What a request may say: the schemas of queries and bodies, and the words for what does not fit them. */
import { isName } from '@muster/membership';
import { z } from 'zod';
import { RECORDING_SECONDS_MAX } from '@muster/questions/decisions/decision-recording';
import { explainFirst } from '@muster/questions/text/explain-issues';
import { ApiError } from './api-error.ts';

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
