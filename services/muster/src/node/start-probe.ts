/**
 * From a pool's health policy to one probe of one target.
 */
import { parseTarget, statusRanges } from '@muster/membership';
import type { StartProbe } from '@muster/actors';
import { ANSWER_LIMITS, probeHttp, probeTcp } from '@muster/probes';
import type { Dialler } from '@muster/transport';

/** Probes that reach their targets by `dialler`. */
export function configuredProbes(dialler: Dialler): StartProbe {
  return (text, policy, { maxAnswerHeadBytes, maxAnswerFields, maxInterimAnswers }) => {
    const target = parseTarget(text);
    // The schema has refused every registration whose target does not parse.
    if (target === null) throw new Error(`"${text}" is not a target`);
    const { timeoutMs } = policy;
    if ('tcp' in policy) return probeTcp({ dialler, target, timeoutMs });
    return probeHttp({
      dialler,
      target,
      timeoutMs,
      path: policy.http,
      expectedStatuses: statusRanges(policy.expectedStatuses),
      limits: {
        maxHeadBytes: maxAnswerHeadBytes ?? ANSWER_LIMITS.maxHeadBytes,
        maxFields: maxAnswerFields ?? ANSWER_LIMITS.maxFields,
        maxInterim: maxInterimAnswers ?? ANSWER_LIMITS.maxInterim,
      },
      ...(policy.host !== undefined && { host: policy.host }),
    });
  };
}
