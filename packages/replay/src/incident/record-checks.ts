/**
 * Lines of an incident file, checked at the edge: what follows may rely on their shape.
 *
 * A digest says that a line is what was written, and nothing about who wrote it. Events are checked by hand, since there may be
 * a million of them; the rest by schemas. Fields that this version does not know are passed over.
 */
import { healthPolicySchema, type RecordedEvent } from '@muster/membership';
import type { Observation, ObservationKind } from '@muster/observations';
import { z } from 'zod';

/** The event on a line, or null where it is none. */
export function eventOnLine(line: unknown): RecordedEvent | null {
  if (typeof line !== 'object' || line === null) return null;
  const { kind, revision, timeMs, id, subject, origin, payload, payloadBytes } = line as Record<string, unknown>;
  const isEvent =
    kind === 'event' &&
    Number.isSafeInteger(revision) &&
    (revision as number) >= 1 &&
    Number.isFinite(timeMs) &&
    typeof id === 'string' &&
    typeof subject === 'string' &&
    (origin === null || typeof origin === 'string') &&
    typeof payload === 'string';
  if (!isEvent) return null;
  const size = typeof payloadBytes === 'number' ? { payloadBytes } : {};
  return { revision, timeMs, id, subject, origin, payload, ...size } as RecordedEvent;
}

const timeMs = z.number();
const text = z.string();
const count = z.number().min(0);
const backend = { timeMs, pool: text, backend: text };
const health = z.enum(['unknown', 'healthy', 'unhealthy']);

const healthEventSchema = z.object({
  type: z.enum(['BackendTurnedHealthy', 'BackendTurnedUnhealthy', 'BackendEjected', 'BackendReinstated']),
  target: text,
  reason: text,
});
const pendingFactSchema = z.object({ id: text, pool: text, backend: text, timeMs, event: healthEventSchema });

/** A recorded pick. */
export const pickSchema = z.object({
  revision: count,
  rosterRevision: count,
  setMadeMs: timeMs,
  pendingFacts: z.array(pendingFactSchema),
  policy: z.enum(['round_robin', 'least_requests', 'random', 'consistent_hash']),
  isPanic: z.boolean(),
  candidatesCount: count,
  candidates: z.array(z.object({ id: text, target: text, weight: z.number(), isEligible: z.boolean() })).nullable(),
  triedIds: z.array(text),
  fullIds: z.array(text),
  // Files from before it was recorded have none.
  undialledIds: z.array(text).default([]),
  isStrict: z.boolean(),
  onlyIds: z.array(text).nullable(),
  notKept: z.array(z.enum(['pendingFacts', 'fullIds', 'undialledIds', 'onlyIds'])),
});

/** What a policy looked at besides the set. */
export const pickInputsSchema = z.object({
  cursor: z.number(),
  weights: z.array(z.number()).nullable(),
  consulted: z.array(z.object({ id: text, inFlight: z.number() })),
  inFlightTotal: z.number(),
});

/** The fields that say what became of a pick. */
export const attemptOutcome = {
  backend: text,
  target: text,
  isReused: z.boolean(),
  startedAtMs: z.number(),
  answeredAtMs: z.number().nullable(),
  outcome: text,
  detail: text.nullable(),
};

const attemptSchema = pickSchema.extend({ ...attemptOutcome, inputs: pickInputsSchema, keyHash: z.number() });

/** A recorded decision. */
export const decisionSchema = z.object({
  requestId: text,
  timeMs,
  durationMs: z.number(),
  listener: text,
  method: text,
  authority: text,
  path: text,
  queryBytes: count,
  pool: text.nullable(),
  status: z.number(),
  termination: text,
  result: text,
  attemptsCount: count,
  attempts: z.array(attemptSchema),
  refused: pickSchema.extend({ reason: text }).nullable(),
});

/** A recorded probe. */
export const probeSchema = z.object({
  kind: z.literal('probe'),
  ...backend,
  target: text,
  passed: z.boolean(),
  code: text.nullable(),
  reason: text.nullable(),
  durationMs: z.number(),
});

/** Failures of traffic in a row, as a worker reported them. */
export const outlierSchema = z.object({
  kind: z.literal('outlier'),
  ...backend,
  target: text,
  failures: count,
  reason: text,
});

/** One for each kind: another kind of observation does not compile without its schema. */
const OBSERVATION_SCHEMAS = {
  'probing-began': z.object({
    kind: z.literal('probing-began'),
    ...backend,
    target: text,
    policy: healthPolicySchema,
    health,
  }),
  'probing-state': z.object({
    kind: z.literal('probing-state'),
    ...backend,
    target: text,
    policy: healthPolicySchema,
    health,
    againstCount: count,
  }),
  'probing-ended': z.object({ kind: z.literal('probing-ended'), ...backend }),
  probe: probeSchema,
  turned: z.object({
    kind: z.literal('turned'),
    ...backend,
    target: text,
    health: z.enum(['healthy', 'unhealthy']),
    reason: text,
  }),
  outlier: outlierSchema,
  hash: z.object({ kind: z.literal('hash'), timeMs, node: text, epoch: text, revision: count, hash: text }),
  decision: z.object({ kind: z.literal('decision'), timeMs, worker: count, decision: decisionSchema }),
  lost: z.object({ kind: z.literal('lost'), timeMs, sinceMs: z.number(), count }),
} satisfies { [Kind in ObservationKind]: z.ZodType<Extract<Observation, { kind: Kind }>> };

/** The observation on a line; what is wrong with it, where it is none. */
export function observationOnLine(line: unknown): Observation | string {
  const kind = (line as { kind?: unknown } | null)?.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(OBSERVATION_SCHEMAS, kind)) return 'a line is no observation';
  const schema: z.ZodType<Observation> = OBSERVATION_SCHEMAS[kind as ObservationKind];
  const parsed = schema.safeParse(line);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  return path.length > 0 ? `${path.join('.')}: ${message}` : message;
}
