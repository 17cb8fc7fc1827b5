/** What a pool allows the answers of its backends: how long their heads may take, how large they may be, and how many come before. */
import { HEAD_LIMITS, type HeadLimits } from '@muster/http1';
import type { PoolSpec } from '@muster/membership';

export interface AnswerRules extends HeadLimits {
  /** Interim answers (1xx) to one request. A backend that sends more will never come to the point. */
  readonly maxInterim: number;
  /** From the end of a request, or from an interim answer, to the next head. */
  readonly headTimeoutMs: number;
}

const DEFAULTS: AnswerRules = { ...HEAD_LIMITS, maxInterim: 32, headTimeoutMs: 60_000 };

/** Those of specs that say something of their own: made once for each, since they are asked for with every answer. */
const rulesBySpec = new WeakMap<PoolSpec, AnswerRules>();

export function answerRules(spec: PoolSpec): AnswerRules {
  const { maxAnswerHeadBytes, maxAnswerFields, maxInterimAnswers, responseHeaderTimeoutMs } = spec;
  const isPlain = maxAnswerHeadBytes === undefined && maxAnswerFields === undefined && maxInterimAnswers === undefined;
  if (isPlain && responseHeaderTimeoutMs === undefined) return DEFAULTS;
  const known = rulesBySpec.get(spec);
  if (known !== undefined) return known;
  const rules = {
    maxHeadBytes: maxAnswerHeadBytes ?? DEFAULTS.maxHeadBytes,
    maxFields: maxAnswerFields ?? DEFAULTS.maxFields,
    maxInterim: maxInterimAnswers ?? DEFAULTS.maxInterim,
    headTimeoutMs: responseHeaderTimeoutMs ?? DEFAULTS.headTimeoutMs,
  };
  rulesBySpec.set(spec, rules);
  return rules;
}
