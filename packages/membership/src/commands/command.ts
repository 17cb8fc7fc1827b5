/**
 * The commands: what somebody wants, before it is known whether it makes sense. Imperatives, checked at the edge
 * (API, CLI, config), decided against a roster by `decide.ts`.
 */
import { z } from 'zod';
import {
  backendFields,
  bySchema,
  leaseMsSchema,
  listenerSpecSchema,
  MODES,
  poolSpecSchema,
} from '../vocabulary/event.ts';
import { nameSchema } from '../vocabulary/subject.ts';
import { backendChangeSchema, listenerChangeSchema, poolChangeSchema } from './spec-change.ts';

const reason = z.string().min(1).max(500).optional();
const backendName = { pool: nameSchema, backend: nameSchema };
const conditional = {
  expectedRevision: z
    .int()
    .min(0)
    .optional()
    .describe('only while the newest event of the entity has this revision; 0: only while there is no such entity'),
};
const defining = {
  ...conditional,
  takeOver: z
    .boolean()
    .optional()
    .describe(
      'append it although the roster says so already, where it is by another origin: it is owned by this one then',
    ),
  by: bySchema,
};

export const commandSchema = z.discriminatedUnion('type', [
  listenerSpecSchema.safeExtend({ type: z.literal('DefineListener'), listener: nameSchema, ...defining }),
  z.strictObject({
    type: z.literal('ChangeListener'),
    listener: nameSchema,
    change: listenerChangeSchema,
    ...conditional,
  }),
  z.strictObject({ type: z.literal('RemoveListener'), listener: nameSchema, reason, ...conditional }),
  poolSpecSchema.extend({ type: z.literal('DefinePool'), pool: nameSchema, ...defining }),
  z.strictObject({ type: z.literal('ChangePool'), pool: nameSchema, change: poolChangeSchema, ...conditional }),
  z.strictObject({ type: z.literal('RemovePool'), pool: nameSchema, reason, ...conditional }),
  z.strictObject({
    type: z.literal('RegisterBackend'),
    ...backendName,
    ...backendFields,
    leaseMs: leaseMsSchema,
    ...defining,
  }),
  z.strictObject({ type: z.literal('ChangeBackend'), ...backendName, change: backendChangeSchema, ...conditional }),
  z.strictObject({
    type: z.literal('SetBackendMode'),
    ...backendName,
    mode: z.enum(MODES),
    reason,
    by: bySchema,
    ...conditional,
  }),
  z.strictObject({ type: z.literal('DeregisterBackend'), ...backendName, reason, ...conditional }),
]);

export type Command = z.output<typeof commandSchema>;
export type CommandInput = z.input<typeof commandSchema>;
export type CommandType = Command['type'];
