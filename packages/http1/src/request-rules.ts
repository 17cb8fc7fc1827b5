/** What a listener asks of its requests' heads. */
import { HEAD_LIMITS, type HeadLimits } from './head-limits.ts';
import { SAID_BY_PROXIES, type FieldNames } from './own-fields.ts';
import { PATH_RULES, type PathRules } from './request-path.ts';

export interface RequestRules extends HeadLimits {
  /** The target of a request, in bytes; above it 414. RFC 9112, 3 asks for at least 8000. Default 8 KiB. */
  readonly maxTargetBytes: number;
  readonly path: PathRules;
  /** What only a trusted proxy may say. */
  readonly proxyFields: FieldNames;
}

export const REQUEST_RULES: RequestRules = {
  ...HEAD_LIMITS,
  maxTargetBytes: 8_192,
  path: PATH_RULES,
  proxyFields: SAID_BY_PROXIES,
};
