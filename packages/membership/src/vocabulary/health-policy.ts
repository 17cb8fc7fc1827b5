/**
 * The health check policy of a pool: what a probe asks, how often, and how many answers decide.
 *
 * One table in the config (`health = { http = "/healthz", intervalMs = 5000 }`), the same object in `PoolDefined`.
 */
import { z } from 'zod';

const STATUS_PATTERN = /^[1-5][0-9]{2}(-[1-5][0-9]{2})?$/;
const expectedStatus = z
  .union([z.int().min(100).max(599), z.string().regex(STATUS_PATTERN, 'a status is 204 or a range such as "200-399"')])
  .describe('a status code, or an inclusive range such as "200-399"');

const timing = {
  intervalMs: z.int().min(50).max(3_600_000).default(5_000).describe('from the end of a probe to the next'),
  fastIntervalMs: z
    .int()
    .min(50)
    .max(3_600_000)
    .optional()
    .describe('the interval while answers contradict the present state; a fifth of intervalMs when left out'),
  timeoutMs: z.int().min(10).max(600_000).default(2_000).describe('a probe that takes longer has failed'),
  jitterRatio: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('each interval varies by this part of itself, both ways'),
  rise: z.int().min(1).max(100).default(2).describe('passed probes in a row that turn an unhealthy backend healthy'),
  fall: z.int().min(1).max(100).default(3).describe('failed probes in a row that turn a healthy backend unhealthy'),
};

const httpHealthSchema = z.strictObject({
  http: z
    .string()
    .regex(/^\/[\x21-\x7e]{0,1023}$/, 'a path starts with "/" and holds no space')
    .describe('path of the GET'),
  host: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'a host header holds no space')
    .optional()
    .describe('Host header; the target when left out'),
  expectedStatuses: z.array(expectedStatus).min(1).max(32).default(['200-399']).describe('what counts as passed'),
  ...timing,
});

const tcpHealthSchema = z.strictObject({
  tcp: z.literal(true).describe('a connection that opens has passed'),
  ...timing,
});

export const healthPolicySchema = z.union([httpHealthSchema, tcpHealthSchema]);
export type HealthPolicy = z.output<typeof healthPolicySchema>;

/** Whether two policies ask a target the same, however often: then what one found holds for the other. */
export function asksTheSame(left: HealthPolicy, right: HealthPolicy): boolean {
  return questionOf(left) === questionOf(right);
}

function questionOf(policy: HealthPolicy): string {
  const question = Object.entries(policy).filter(([field]) => !(field in timing));
  return JSON.stringify(question.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** `['200-399', 418]` as inclusive ranges. */
export function statusRanges(expected: readonly (number | string)[]): StatusRange[] {
  return expected.map((item) => {
    const [from, to] = String(item).split('-').map(Number);
    return { from: from!, to: to ?? from! };
  });
}

/** The interval in use while answers contradict the present state, in ms. */
export function fastIntervalMs(policy: HealthPolicy): number {
  return Math.min(policy.intervalMs, policy.fastIntervalMs ?? Math.max(50, Math.round(policy.intervalMs / 5)));
}
