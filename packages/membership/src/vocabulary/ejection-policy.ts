/**
 * Ejection: when live traffic takes a backend out, and for how long.
 *
 * A backend that fails `consecutiveFailures` connections or requests in a row (a connect failure, an answer that broke off, a
 * status of 500 to 599) is ejected for `baseMs` times the number of its ejections, at most `maxMs`. Never more than `maxRatio`
 * of a pool at a time, though one of any pool that has another eligible backend. Envoy's outlier detection has these defaults.
 */
import { z } from 'zod';

const policySchema = z.strictObject({
  consecutiveFailures: z.int().min(1).max(1_000).default(5).describe('failures in a row, as one worker counts them'),
  baseMs: z
    .int()
    .min(100)
    .max(86_400_000)
    .default(30_000)
    .describe('times the number of ejections: how long it is out'),
  maxMs: z.int().min(100).max(86_400_000).default(300_000).describe('but never longer'),
  maxRatio: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('part of a pool that may be ejected at a time; one always may'),
});

export const ejectionPolicySchema = z.union([z.literal(false), policySchema]);
export type EjectionPolicy = z.output<typeof policySchema>;

const DEFAULT_POLICY: EjectionPolicy = policySchema.parse({});

/** The policy of a pool; null where it ejects nobody. */
export function ejectionPolicyOf(spec: {
  readonly ejection?: EjectionPolicy | false | undefined;
}): EjectionPolicy | null {
  return spec.ejection === false ? null : (spec.ejection ?? DEFAULT_POLICY);
}
