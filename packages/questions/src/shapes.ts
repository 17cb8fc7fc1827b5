/**
 * What descriptions of questions are made of: zod, and the shapes that several questions share. Each shape of an answer is checked by the
 * compiler against the type of what it describes, so that the API's description cannot fall behind the code.
 */
import { healthPolicySchema, listenerSpecSchema, MODES, poolSpecSchema } from '@muster/membership';
import type { Eligibility, NodeRecord, Observation } from '@muster/membership';
import type { EventRef, HashCheck, Instant } from '@muster/replay';
import { z } from 'zod';
import type { ApiErrorBody } from './answers.ts';

export {
  attemptOutcome,
  decisionSchema,
  outlierSchema,
  pickInputsSchema,
  pickSchema,
  probeSchema,
} from '@muster/replay/records';
export { healthPolicySchema, listenerSpecSchema, poolSpecSchema, z };

/** A moment, as `parseInstant` reads it. */
export const moment = z
  .string()
  .min(1)
  .max(128)
  .describe('a revision, a time (ISO, or HH:MM of today), -5m, -90s, -2h, -1d, now, or the id of an event');
export const name = z.string().min(1).max(64);
export const node = name.optional().describe('whose eyes it is seen with; this node when left out');
/** A number in a URL. */
export const whole = z.coerce.number().pipe(z.int());
/** `?follow=true`, `?follow=1`, `?follow`. */
export const flag = z.enum(['true', 'false', '1', '0', '']).transform((text) => text !== 'false' && text !== '0');
export const requestId = z
  .string()
  .regex(/^[!-~]{1,256}$/, 'a request id has 1 to 256 printable ASCII characters without spaces');

export const text = z.string();
export const texts = z.array(text);
export const number = z.number();
export const count = z.int().min(0);
export const revision = z.int().min(0).describe('the number of an event in the journal; 0 for none');
export const timeMs = z.number().describe('ms since 1970');

/** A value, the event that set it, when, and why. */
export function reasoned<Value extends z.ZodType>(value: Value) {
  return z.object({ value, revision, timeMs, reason: text.nullable() });
}

export const mode = reasoned(z.enum(MODES));
export const health = reasoned(z.enum(['unknown', 'healthy', 'unhealthy']));
export const ejection = reasoned(z.enum(['admitting', 'ejected']));

export const observation = z.object({ node: text, health, ejection }) satisfies z.ZodType<Observation>;

const axisWord = { axis: z.enum(['mode', 'health', 'ejection']), value: text, revision, reason: text.nullable() };
/** What keeps a backend out, and the event that does. */
export const ineligibility = z.object(axisWord);
export const eligibility = z.union([
  z.object({ isEligible: z.literal(true) }),
  z.object({ isEligible: z.literal(false), ...axisWord }),
]) satisfies z.ZodType<Eligibility>;

/** A backend as one node sees it, or saw it. */
export const seenBackend = {
  pool: text,
  id: text,
  health,
  ejection,
  observations: z.array(observation).describe('what other nodes saw'),
  eligibility,
  isCandidate: z
    .boolean()
    .describe('whether it may be picked: it is eligible, or suspected while the pool is in panic'),
  leaseMs: number.nullable().describe('silent for so long, it is taken out; null: it need not say anything'),
  origin: text.nullable(),
  revision,
};

/** A listener or a pool as it was described, and by which event. */
export const described = { id: text, origin: text.nullable(), revision };

export const clusterNode = z.object({
  id: text,
  state: reasoned(z.enum(['started', 'stopped'])),
  leaseMs: number.nullable(),
}) satisfies z.ZodType<Pick<NodeRecord, 'id' | 'state' | 'leaseMs'>>;

export const eventRef = z.object({
  revision,
  timeMs,
  id: text,
  origin: text.nullable(),
  subject: text,
  type: text.nullable(),
  reason: text.nullable(),
}) satisfies z.ZodType<EventRef>;

export const instant = z.object({
  revision,
  timeMs,
  event: eventRef.nullable(),
}) satisfies z.ZodType<Instant>;

const compared = {
  revision,
  hash: text,
  recordedBy: text,
  comparedCount: count,
  disagreeing: z.array(z.object({ node: text, revision, hash: text })),
};
/** What a state was compared with, before anybody is told of it. */
export const hashCheck = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('checked'), ...compared }),
  z.object({ outcome: z.literal('partly-checked'), ...compared, why: text }),
  z.object({ outcome: z.literal('unchecked'), why: text }),
]) satisfies z.ZodType<HashCheck>;

/** What the admin API refuses with. */
export const apiError = z.object({
  error: z.object({ code: text, message: text, suggestion: text.exactOptional() }),
}) satisfies z.ZodType<ApiErrorBody>;

/** The answers of a route, for its description: this one, or a refusal. */
export function answers<Answer extends z.ZodType>(answer: Answer) {
  return { 200: answer, '4xx': apiError, '5xx': apiError };
}
