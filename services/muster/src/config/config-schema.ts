/**
 * The config file's tables. Pools, backends and listeners are their events' payloads plus an id: one vocabulary.
 */
import { backendFields, bindSchema, listenerSpecSchema, nameSchema, poolSpecSchema } from '@muster/membership';
import { z } from 'zod';

const DEFAULT_ADMIN_ADDRESS = '127.0.0.1:9900';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const nodeTable = z.strictObject({
  id: nameSchema.optional().describe("the node's name; the host's name when left out"),
  cluster: nameSchema.default('default').describe('which cluster it belongs to, the second token of every subject'),
  workers: z.int().min(0).max(1_024).optional().describe('proxy processes; one per core when left out'),
  admin: z
    .union([bindSchema, z.literal(false)])
    .default(DEFAULT_ADMIN_ADDRESS)
    .describe('address of the admin API, HOST:PORT; false switches it off'),
  adminTokenFile: z.string().min(1).optional().describe('a file that holds the token of the admin API'),
  maxConnections: z.int().min(1).max(1_000_000).default(8_192).describe('open connections per worker'),
  drainTimeoutMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(30_000)
    .describe('how long connections may finish at shutdown'),
  logLevel: z.enum(LOG_LEVELS).default('info').describe('the least severe line that is logged'),
});

const journalTable = z.strictObject({
  kind: z.enum(['embedded', 'memory']).default('embedded').describe('embedded: one file; memory: for trying out'),
  path: z.string().min(1).optional().describe("the journal's file, relative to the working directory"),
});

const poolTable = poolSpecSchema.extend({
  id: nameSchema.describe("the pool's name"),
  backends: z.array(z.strictObject({ id: nameSchema.describe("the backend's name"), ...backendFields })).default([]),
});

const listenerTable = listenerSpecSchema.extend({ id: nameSchema.describe("the listener's name") });

const targetTable = z.strictObject({
  address: z.string().min(1).describe('where the service answers: HOST:PORT or http://HOST:PORT'),
  health_check_endpoint: z.string().min(1).optional().describe('path of its health check, for example /healthz'),
});

export const configSchema = z.strictObject({
  node: nodeTable.prefault({}),
  journal: journalTable.prefault({}),
  pools: z.array(poolTable).default([]),
  listeners: z.array(listenerTable).default([]),
  targets: z.array(targetTable).default([]),
});

export type ConfigFile = z.output<typeof configSchema>;
export type TargetTable = z.output<typeof targetTable>;
