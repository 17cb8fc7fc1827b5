/**
 * The config file's tables. Pools, backends and listeners are their events' payloads plus an id: one vocabulary.
 */
import { backendFields, bindSchema, listenerSpecSchema, nameSchema, poolSpecSchema } from '@muster/membership';
import { z } from 'zod';

const DEFAULT_ADMIN_ADDRESS = '127.0.0.1:9900';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const clusterSchema = nameSchema.describe('which cluster it belongs to, the second token of every subject');

const targetRules = z.array(z.string().min(1).max(300)).max(256);
const targetPolicyTable = z.strictObject({
  allow: targetRules.optional().describe('addresses that are dialled although they are near the node'),
  only: targetRules.optional().describe('the only addresses that are dialled, with those of allow; all when left out'),
  deny: targetRules.optional().describe('addresses that are never dialled'),
});

const nodeTable = z.strictObject({
  id: nameSchema.optional().describe("the node's name; the host's name when left out"),
  cluster: clusterSchema.optional(),
  workers: z.int().min(0).max(1_024).optional().describe('proxy processes; one per core when left out'),
  admin: z
    .union([bindSchema, z.literal(false)])
    .default(DEFAULT_ADMIN_ADDRESS)
    .describe('address of the admin API, HOST:PORT; false switches it off'),
  adminTokenFile: z.string().min(1).optional().describe('a file that holds the token of the admin API'),
  adminBehindProxy: z
    .boolean()
    .optional()
    .describe('whether the admin API answers what a proxy forwarded; it does not when left out, and needs a token to'),
  targets: targetPolicyTable.optional().describe('which targets the node dials'),
  maxConnections: z.int().min(1).max(1_000_000).default(32_768).describe('open connections per worker'),
  drainTimeoutMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(30_000)
    .describe('how long connections may finish at shutdown'),
  logLevel: z.enum(LOG_LEVELS).default('info').describe('the least severe line that is logged'),
});

const file = z.string().min(1).max(4_096);
/** Which keys go with which kind, and what else must fit together, is in `journal-config.ts`. */
const journalTable = z.strictObject({
  kind: z
    .enum(['embedded', 'jetstream', 'memory'])
    .default('embedded')
    .describe('embedded: one file; jetstream: a NATS stream that many nodes share; memory: for trying out'),
  path: file.optional().describe("the journal's file, relative to the working directory"),
  cluster: clusterSchema.optional(),
  // Without a length: the words for a text that is too long would quote a password.
  servers: z.array(z.string()).max(64).optional().describe('NATS servers, nats://HOST:PORT or tls://HOST:PORT'),
  replicas: z.literal([1, 3, 5]).optional().describe('copies of the stream: 1, 3 or 5'),
  credentials: file.optional().describe('a .creds file'),
  nkeySeed: file.optional().describe('a file that holds an nkey seed'),
  tls: z
    .strictObject({
      caFile: file.optional().describe('PEM file of the authorities that vouch for the servers'),
      certFile: file.optional().describe('PEM file of the certificate that this node shows'),
      keyFile: file.optional().describe('PEM file of its key'),
    })
    .optional()
    .describe('TLS to the servers'),
  inboxPrefix: z
    .string()
    .regex(
      /^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}$/,
      'it is made of up to 8 tokens of letters, digits, - and _',
    )
    .optional()
    .describe('first tokens of the subjects that answers come to'),
  streamBytesMax: z.int().min(1_048_576).optional().describe('size of the stream at which it refuses events'),
  makeStream: z
    .boolean()
    .optional()
    .describe('whether this node makes the stream where nobody knows of an earlier one; it does when left out'),
  retentionHours: z.int().min(1).max(876_000).optional().describe('how long events stay; for ever when left out'),
  duplicateWindowMs: z.int().min(1_000).max(86_400_000).optional().describe('how long the server remembers ids'),
  localSnapshotPath: file.optional().describe("file of the node's last snapshot, relative to the working directory"),
});

const observationsTable = z.strictObject({
  enabled: z.boolean().optional().describe('whether the node keeps what it sees; true where there is a place for it'),
  path: file.optional().describe('their folder, relative to the working directory'),
  hours: z.int().min(1).max(8_760).default(24).describe('how long they are kept'),
  maxMebibytes: z.int().min(16).max(1_048_576).default(256).describe('what they may take on the disk, in MiB'),
});

const resolverTable = z.strictObject({
  servers: z
    .array(z.string().max(64))
    .min(1)
    .max(8)
    .optional()
    .describe('name servers; those of the system when left out'),
  search: z
    .array(z.string().regex(/^[A-Za-z0-9._-]{1,253}$/, 'it is a domain'))
    .max(6)
    .optional()
    .describe('domains that are appended to short names; those of the system when left out'),
  ndots: z.int().min(0).max(15).optional().describe('dots of a name that is asked for as it is first'),
  timeoutMs: z.int().min(100).max(60_000).optional().describe('how long a name server may take'),
  tries: z.int().min(1).max(10).optional().describe('how often each name server is asked'),
  minTtlMs: z.int().min(100).max(86_400_000).optional().describe('an answer is used at least so long'),
  maxTtlMs: z.int().min(1_000).max(86_400_000).optional().describe('an answer is used at most so long'),
  negativeTtlMs: z.int().min(100).max(86_400_000).optional().describe('how long "no such name" is believed'),
  staleMs: z.int().min(0).max(604_800_000).optional().describe('how long an old answer is used where none can be had'),
});

const poolTable = poolSpecSchema.extend({
  id: nameSchema.describe("the pool's name"),
  backends: z.array(z.strictObject({ id: nameSchema.describe("the backend's name"), ...backendFields })).default([]),
});

const listenerTable = listenerSpecSchema.safeExtend({ id: nameSchema.describe("the listener's name") });

const targetTable = z.strictObject({
  address: z.string().min(1).describe('where the service answers: HOST:PORT or http://HOST:PORT'),
  health_check_endpoint: z.string().min(1).optional().describe('path of its health check, for example /healthz'),
});

export const configSchema = z.strictObject({
  node: nodeTable.prefault({}),
  journal: journalTable.prefault({}),
  observations: observationsTable.prefault({}),
  resolver: resolverTable.prefault({}),
  pools: z.array(poolTable).default([]),
  listeners: z.array(listenerTable).default([]),
  targets: z.array(targetTable).default([]),
});

export type ConfigFile = z.output<typeof configSchema>;
export type TargetTable = z.output<typeof targetTable>;
