/**
 * The events: everything that can change where traffic goes, as the JSON that anyone may publish.
 *
 *     {"type": "BackendRegistered", "target": "10.0.0.5:8001", "weight": 1}
 *
 * The schemas are the vocabulary: the config file uses the same words, and their JSON Schema is what publishers in
 * other languages read (`eventJsonSchemas`). Objects are strict, because a misspelt field that is silently dropped is
 * the kind of surprise this project exists to remove. `version` may be left out and is 1.
 */
import { z } from 'zod';
import { healthPolicySchema } from './health-policy.ts';
import { nameSchema } from './subject.ts';
import { ejectionPolicySchema } from './ejection-policy.ts';
import {
  checkListener,
  cidrSchema,
  filterPathSchema,
  hashKeySchema,
  hostFieldSchema,
  hostPatternSchema,
  HTTP_ONLY_FIELDS,
  pathPrefixSchema,
  proxyFieldSchema,
} from './http-fields.ts';
import { bindSchema, targetSchema } from './target.ts';

/** The version of the vocabulary that this code reads; others are rejected as `unsupported-version`. */
export const EVENT_VERSION = 1;

const version = z.literal(EVENT_VERSION).optional().describe('version of the event vocabulary; 1 when left out');
const reason = z.string().min(1).max(500).describe('for people: why this happened, at most 500 characters');
/** The fold passes over it: it is for whoever reads the log. */
export const bySchema = z
  .string()
  .regex(/^[^\p{Cc}]{1,256}$/u, 'it has 1 to 256 characters, none of control')
  .optional()
  .describe('who published it, where that is another than the origin that it was published for, as in an import');
const durationMs = z.int().min(1).max(86_400_000);
const connectionLimit = z.int().min(1).max(1_000_000);

export const MODES = ['ready', 'drain', 'maint'] as const;
/** What an operator wants of a backend: take traffic, finish what is open, or be left alone. */
export type Mode = (typeof MODES)[number];

const routeSchema = z
  .strictObject({
    host: hostPatternSchema
      .optional()
      .describe('an exact host name or *.DOMAIN, without a port; any host when left out'),
    path: pathPrefixSchema
      .optional()
      .describe('a prefix of whole path segments: /v1 is /v1 and /v1/…; any when left out'),
    pool: nameSchema.describe('the pool that takes its requests'),
    stripPrefix: z
      .boolean()
      .optional()
      .describe('whether the prefix is taken off before a backend sees the path; no when left out'),
  })
  .meta({ dependentRequired: { stripPrefix: ['path'] } });
/** One way through an `http` listener; of those that match a request, the most specific one leads (exact host, longest prefix). */
export type Route = z.output<typeof routeSchema>;

/** What only an `http` listener has. Everything may be left out; the defaults stand in `http-settings.ts`. */
const httpFields = {
  routes: z.array(routeSchema).min(1).max(256).optional().describe('by host and path, instead of `pool`'),
  filters: z
    .array(filterPathSchema)
    .min(1)
    .max(16)
    .optional()
    .describe("TypeScript modules with hooks, relative to the node's config file, called in this order"),
  trustedProxies: z
    .array(cidrSchema)
    .min(1)
    .max(256)
    .optional()
    .describe('whose word on forwarded addresses is believed, as CIDRs; nobody when left out'),
  proxyFields: z
    .array(proxyFieldSchema)
    .min(1)
    .max(64)
    .optional()
    .describe('further request fields that only trusted proxies may send, such as x-tenant or x-internal-*'),
  forwardedFields: z
    .enum(['x-forwarded', 'forwarded', 'both', 'none'])
    .optional()
    .describe('which fields tell a backend of the client: X-Forwarded-For/-Proto/-Host when left out'),
  hostField: hostFieldSchema
    .optional()
    .describe('the Host that a backend sees: "keep" (when left out), "target", or a name'),
  accessLog: z.enum(['all', 'errors', 'off']).optional().describe('which requests are logged; errors when left out'),
  headTimeoutMs: durationMs.optional().describe('to receive a request head, else 408; 60,000 when left out'),
  keepAliveTimeoutMs: durationMs.optional().describe('between two requests of a client; 75,000 when left out'),
  bodyTimeoutMs: durationMs.optional().describe('without a byte of a body that is under way; 60,000 when left out'),
  maxHeadBytes: z.int().min(1_024).max(262_144).optional().describe('a larger head is 431; 16,384 when left out'),
  maxFields: z.int().min(1).max(1_000).optional().describe('more fields than that are 431; 100 when left out'),
  maxTargetBytes: z.int().min(64).max(65_536).optional().describe('a longer target is 414; 8,192 when left out'),
  maxBodyBytes: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('a larger body is 413; no limit when left out'),
  escapedSlashes: z
    .enum(['reject', 'keep', 'decode'])
    .optional()
    .describe(
      '%2F and %5C in a path: 400, kept where no backend could walk out of its place, or made "/"; keep when left out',
    ),
  emptySegments: z
    .enum(['merge', 'keep'])
    .optional()
    .describe('"//" in a path: made "/", or kept; merge when left out'),
  pathParameters: z
    .enum(['reject', 'keep', 'strip'])
    .optional()
    .describe('";" and what follows it in a segment of a path: 400, kept, or taken out; keep when left out'),
};

export const listenerSpecSchema = z
  .strictObject({
    bind: bindSchema.describe('where to listen: HOST:PORT, port 0 for any free one'),
    protocol: z.enum(['tcp', 'http']).default('tcp').describe('what is spoken on it'),
    pool: nameSchema
      .optional()
      .describe('the pool that takes its connections or requests; http may have routes instead'),
    idleTimeoutMs: durationMs
      .default(3_600_000)
      .describe('a connection (with http: a WebSocket or other tunnel) without a byte in either direction is closed'),
    halfCloseTimeoutMs: durationMs
      .optional()
      .describe(
        'a side that sends no more may only have half-closed, or be gone: without a byte in the other direction for so long it is taken to be gone; 30,000 for http and 300,000 for tcp when left out, at most the idle timeout',
      ),
    nodes: z.array(nameSchema).min(1).max(64).optional().describe('the nodes that listen; every node when left out'),
    ...httpFields,
  })
  .superRefine(checkListener);

export const poolSpecSchema = z.strictObject({
  policy: z
    .enum(['round_robin', 'least_requests', 'random', 'consistent_hash'])
    .default('round_robin')
    .describe('how one of the eligible backends is chosen'),
  hashKey: hashKeySchema
    .optional()
    .describe('what consistent_hash looks at: client_address (when left out), path, header:NAME or cookie:NAME'),
  connectTimeoutMs: durationMs.default(5_000).describe('a dial that takes longer has failed'),
  connectAttempts: z
    .int()
    .min(1)
    .max(16)
    .default(2)
    .describe('attempts per connection or request, each with a different backend'),
  maxConnectionsPerBackend: connectionLimit
    .optional()
    .describe('open connections per backend and worker; a backend at its limit is passed over; no limit when left out'),
  maxWaitingRequests: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe('requests per worker that wait while every backend is at its limit, else 503; 1,024 when left out'),
  waitTimeoutMs: durationMs
    .optional()
    .describe('how long a request waits so, then 503; connectTimeoutMs when left out'),
  responseHeaderTimeoutMs: durationMs
    .optional()
    .describe(
      'from the end of a request, or from an interim answer, to the head of the final one, else 504; 60,000 when left out',
    ),
  maxAnswerHeadBytes: z
    .int()
    .min(1_024)
    .max(262_144)
    .optional()
    .describe('a larger head of an answer is a 502; 16,384 when left out'),
  maxAnswerFields: z
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .describe('more fields of an answer than that are a 502; 100 when left out'),
  maxInterimAnswers: z
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe('more answers of 100 to 199 before the final one than that are a 502; 32 when left out'),
  maxIdleConnectionsPerBackend: z
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe('kept-alive connections per backend and worker that wait for a request; 128 when left out'),
  upstreamIdleTimeoutMs: durationMs.optional().describe('how long one of them waits; 60,000 when left out'),
  upstreamMaxAgeMs: durationMs
    .optional()
    .describe('a connection that is older takes no more requests; 3,600,000 when left out'),
  retryBudgetRatio: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('further attempts under way, as a part of the requests under way (but at least 3); 0.2 when left out'),
  onRemoval: z
    .enum(['close', 'drain'])
    .default('close')
    .describe('connections to a target that left the pool: closed at once, or given the drain timeout'),
  drainTimeoutMs: durationMs.default(30_000).describe('how long a draining backend may keep its connections'),
  health: healthPolicySchema.optional().describe('without it every backend counts as healthy'),
  healthView: z
    .enum(['own', 'quorum'])
    .default('own')
    .describe("whose word on a backend's health counts: this node's own, or that of most live nodes"),
  ejection: ejectionPolicySchema
    .optional()
    .describe('when live traffic takes a backend out for a while; false: never; the default policy when left out'),
  panicThreshold: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'with a smaller part of the ready backends eligible (but any), all ready ones take traffic; 0: never; 0.5 when left out',
    ),
  slowStartMs: durationMs
    .optional()
    .describe('a backend that became eligible grows to its full weight over this time; at once when left out'),
});

export type ListenerSpec = z.output<typeof listenerSpecSchema>;
export type PoolSpec = z.output<typeof poolSpecSchema>;

const backendSpecSchema = z.strictObject({
  target: targetSchema.describe('where it answers: HOST:PORT, [IPV6]:PORT or unix:/PATH'),
  weight: z.int().min(1).max(1_000).default(1).describe('its share of new connections, relative to the others'),
});
export const backendFields = backendSpecSchema.shape;

/** How long a member may be silent before the nodes take it out, in ms. */
export const leaseMsSchema = z
  .int()
  .min(1_000)
  .max(86_400_000)
  .optional()
  .describe('silent for so long, it is taken out (`live-words.ts`); it need not say anything when left out');

const observed = { version, target: targetSchema.describe('the target that was observed'), reason };

export const eventSchemas = {
  ListenerDefined: listenerSpecSchema.safeExtend({ type: z.literal('ListenerDefined'), version, by: bySchema }),
  ListenerRemoved: z.strictObject({ type: z.literal('ListenerRemoved'), version, reason: reason.optional() }),
  PoolDefined: poolSpecSchema.extend({ type: z.literal('PoolDefined'), version, by: bySchema }),
  PoolRemoved: z.strictObject({ type: z.literal('PoolRemoved'), version, reason: reason.optional() }),
  BackendRegistered: backendSpecSchema.extend({
    type: z.literal('BackendRegistered'),
    version,
    leaseMs: leaseMsSchema,
    by: bySchema,
  }),
  BackendModeSet: z.strictObject({
    type: z.literal('BackendModeSet'),
    version,
    mode: z.enum(MODES),
    reason: reason.optional(),
    by: bySchema,
  }),
  BackendDeregistered: z.strictObject({ type: z.literal('BackendDeregistered'), version, reason: reason.optional() }),
  BackendTurnedHealthy: z.strictObject({ type: z.literal('BackendTurnedHealthy'), ...observed }),
  BackendTurnedUnhealthy: z.strictObject({ type: z.literal('BackendTurnedUnhealthy'), ...observed }),
  BackendEjected: z.strictObject({ type: z.literal('BackendEjected'), ...observed }),
  BackendReinstated: z.strictObject({ type: z.literal('BackendReinstated'), ...observed }),
  NodeStarted: z.strictObject({
    type: z.literal('NodeStarted'),
    version,
    workers: z.int().min(0).max(1_024).optional(),
    leaseMs: leaseMsSchema,
  }),
  NodeStopped: z.strictObject({ type: z.literal('NodeStopped'), version, reason: reason.optional() }),
} as const;

export type EventType = keyof typeof eventSchemas;
/** An event as the fold sees it: checked, with its defaults filled in. */
export type MembershipEvent = { [Type in EventType]: z.output<(typeof eventSchemas)[Type]> }[EventType];
/** An event as a publisher may write it: what has a default may be left out. */
export type MembershipEventInput = { [Type in EventType]: z.input<(typeof eventSchemas)[Type]> }[EventType];
export type EventOf<Type extends EventType> = Extract<MembershipEvent, { type: Type }>;
export type HealthEvent = EventOf<
  'BackendTurnedHealthy' | 'BackendTurnedUnhealthy' | 'BackendEjected' | 'BackendReinstated'
>;

/** Which kind of entity each event is about; an event on another kind of subject is rejected. */
export const entityKindOfEvent = {
  ListenerDefined: 'listener',
  ListenerRemoved: 'listener',
  PoolDefined: 'pool',
  PoolRemoved: 'pool',
  BackendRegistered: 'backend',
  BackendModeSet: 'backend',
  BackendDeregistered: 'backend',
  BackendTurnedHealthy: 'health',
  BackendTurnedUnhealthy: 'health',
  BackendEjected: 'health',
  BackendReinstated: 'health',
  NodeStarted: 'node',
  NodeStopped: 'node',
} as const satisfies Record<EventType, string>;

/**
 * The part of the JSON Schemas (draft 2020-12) that zod cannot give: what the schemas' own refinements ask for, as far as JSON Schema can say it: what a protocol needs and cannot have. That two
 * routes differ it cannot say.
 */
const CONDITIONS: Partial<Record<EventType, object>> = {
  ListenerDefined: {
    if: { properties: { protocol: { const: 'http' } }, required: ['protocol'] },
    then: { oneOf: [{ required: ['pool'] }, { required: ['routes'] }] },
    else: { required: ['pool'], properties: Object.fromEntries(HTTP_ONLY_FIELDS.map((field) => [field, false])) },
  },
};

/** One schema per event type, describing what a publisher may write: what has a default may be left out. */
export function eventJsonSchemas(): Record<EventType, object> {
  const entries = Object.entries(eventSchemas).map(([type, schema]) => {
    return [type, { ...z.toJSONSchema(schema, { io: 'input' }), ...CONDITIONS[type as EventType], title: type }];
  });
  return Object.fromEntries(entries) as Record<EventType, object>;
}
