/**
 * The commands: what somebody wants, before it is known whether it makes sense. Imperatives, checked at the edge
 * (API, CLI, config), decided against a roster by `decide.ts`.
 */
import { z } from 'zod';
import { backendFields, leaseMsSchema, listenerSpecSchema, MODES, poolSpecSchema } from './event.ts';
import { nameSchema } from './names.ts';

const reason = z.string().min(1).max(500).optional();
const backendName = { pool: nameSchema, backend: nameSchema };

export const commandSchema = z.discriminatedUnion('type', [
  listenerSpecSchema.safeExtend({ type: z.literal('DefineListener'), listener: nameSchema }),
  z.strictObject({ type: z.literal('RemoveListener'), listener: nameSchema, reason }),
  poolSpecSchema.extend({ type: z.literal('DefinePool'), pool: nameSchema }),
  z.strictObject({ type: z.literal('RemovePool'), pool: nameSchema, reason }),
  z.strictObject({ type: z.literal('RegisterBackend'), ...backendName, ...backendFields, leaseMs: leaseMsSchema }),
  z.strictObject({ type: z.literal('SetBackendMode'), ...backendName, mode: z.enum(MODES), reason }),
  z.strictObject({ type: z.literal('DeregisterBackend'), ...backendName, reason }),
]);

export type Command = z.output<typeof commandSchema>;
export type CommandInput = z.input<typeof commandSchema>;
export type CommandType = Command['type'];
