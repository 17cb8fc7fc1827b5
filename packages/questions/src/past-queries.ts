/**
 * The questions that can be put to the past, as the admin API's queries; the command line asks a file the same ones.
 *
 * Which moments, pools and backends there are, only the log knows: here no more is checked than that the words are words.
 */
import { poolSpecSchema } from '@muster/membership';
import { z } from 'zod';

/** A moment as `parseInstant` reads it. */
const instant = z
  .string()
  .min(1)
  .max(128)
  .describe('a revision, a time (ISO, or HH:MM of today), -5m, -90s, -2h, -1d, now, or the id of an event');
const name = z.string().min(1).max(64);
const node = name.optional().describe('whose eyes it is seen with; this node when left out');

export const stateQuerySchema = z.strictObject({
  at: instant.default('now'),
  node,
  pool: name.optional().describe('this pool alone'),
});

export const diffQuerySchema = z.strictObject({ from: instant, to: instant.default('now'), node });

export const backendQuerySchema = z.strictObject({ pool: name, backend: name, at: instant.default('now'), node });

export const exportQuerySchema = z.strictObject({ from: instant, to: instant.default('now') });

const whole = z.coerce.number().pipe(z.int());

export const whatIfQuerySchema = z.strictObject({
  pool: name,
  from: instant.default('-1h'),
  to: instant.default('now'),
  fall: whole.optional().describe('failed probes in a row; as it was when left out'),
  rise: whole.optional().describe('passed probes in a row; as it was when left out'),
  intervalMs: whole.optional().describe('from the end of a probe to the next; as it was when left out'),
  timeoutMs: whole.optional().describe('a probe that takes longer has failed; as it was when left out'),
  policy: poolSpecSchema.shape.policy
    .removeDefault()
    .optional()
    .describe('picks recorded requests anew with this policy; no picks are looked at when left out'),
});

/** A line has 4 KiB at most; a collector may have put something around it. */
const LINE_CHARACTERS_MAX = 65_536;

export const requestQuerySchema = z.strictObject({
  id: z
    .string()
    .regex(/^[!-~]{1,256}$/, 'a request id has 1 to 256 printable ASCII characters without spaces')
    .describe('what X-Request-Id said'),
});

export const requestLineSchema = z.strictObject({
  line: z.string().min(1).max(LINE_CHARACTERS_MAX).describe('a line of the access log, as JSON'),
});

export type StateQuery = z.output<typeof stateQuerySchema>;
export type DiffQuery = z.output<typeof diffQuerySchema>;
export type BackendQuery = z.output<typeof backendQuerySchema>;
export type WhatIfQuery = z.output<typeof whatIfQuerySchema>;
export type ExportQuery = z.output<typeof exportQuerySchema>;
/** By its id, or by its line in the access log. */
export type RequestQuery = z.output<typeof requestQuerySchema> | z.output<typeof requestLineSchema>;
