/**
 * The events: everything that can change where traffic goes, as the JSON that anyone may publish.
 *
 *     {"type": "BackendRegistered", "target": "10.0.0.5:8001", "weight": 1}
 *
 * The schemas are the vocabulary: the config file uses the same words, and their JSON Schema is what publishers in
 * other languages read (`json-schema.ts`). Objects are strict, because a misspelt field that is silently dropped is
 * the kind of surprise this project exists to remove. `version` may be left out and is 1.
 */
import { z } from 'zod';
import { healthPolicySchema } from './health-policy.ts';
import { nameSchema } from './names.ts';
import { bindSchema, targetSchema } from './target.ts';

/** The version of the vocabulary that this code reads; others are rejected as `unsupported-version`. */
export const EVENT_VERSION = 1;

const version = z.literal(EVENT_VERSION).optional().describe('version of the event vocabulary; 1 when left out');
const reason = z.string().min(1).max(500).describe('for people: why this happened, at most 500 characters');
const durationMs = z.int().min(1).max(86_400_000);
const connectionLimit = z.int().min(1).max(1_000_000);

export const MODES = ['ready', 'drain', 'maint'] as const;
/** What an operator wants of a backend: take traffic, finish what is open, or be left alone. */
export type Mode = (typeof MODES)[number];

export const listenerSpecSchema = z.strictObject({
  bind: bindSchema.describe('where to listen: HOST:PORT, port 0 for any free one'),
  protocol: z.enum(['tcp']).default('tcp').describe('what is spoken on it'),
  pool: nameSchema.describe('the pool that takes its connections'),
  idleTimeoutMs: durationMs.default(3_600_000).describe('a connection without a byte in either direction is closed'),
  nodes: z.array(nameSchema).min(1).max(64).optional().describe('the nodes that listen; every node when left out'),
});

export const poolSpecSchema = z.strictObject({
  policy: z.enum(['round_robin']).default('round_robin').describe('how one of the eligible backends is chosen'),
  connectTimeoutMs: durationMs.default(5_000).describe('a dial that takes longer has failed'),
  connectAttempts: z.int().min(1).max(16).default(2).describe('dials per connection, each to a different backend'),
  maxConnectionsPerBackend: connectionLimit
    .optional()
    .describe('open connections per backend and worker; a backend at its limit is passed over; no limit when left out'),
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
  ListenerDefined: listenerSpecSchema.extend({ type: z.literal('ListenerDefined'), version }),
  ListenerRemoved: z.strictObject({ type: z.literal('ListenerRemoved'), version, reason: reason.optional() }),
  PoolDefined: poolSpecSchema.extend({ type: z.literal('PoolDefined'), version }),
  PoolRemoved: z.strictObject({ type: z.literal('PoolRemoved'), version, reason: reason.optional() }),
  BackendRegistered: backendSpecSchema.extend({
    type: z.literal('BackendRegistered'),
    version,
    leaseMs: leaseMsSchema,
  }),
  BackendModeSet: z.strictObject({
    type: z.literal('BackendModeSet'),
    version,
    mode: z.enum(MODES),
    reason: reason.optional(),
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
