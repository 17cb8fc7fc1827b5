/**
 * What is asked of a message head before it is accepted: how large it may be, and, of a request, how its path is read and what its
 * sender may say.
 *
 * The caller holds what it received until a head is complete, so these limits are also what a connection may cost.
 */
import { type FieldNames, SAID_BY_PROXIES } from './own-fields.ts';
import { PATH_RULES, type PathRules } from './request-path.ts';

export interface HeadLimits {
  /** Start line, fields and the empty line together, in bytes; above it 431. Default 16 KiB. */
  readonly maxHeadBytes: number;
  /** Field lines; above it 431. Default 100. */
  readonly maxFields: number;
}

export const HEAD_LIMITS: HeadLimits = { maxHeadBytes: 16_384, maxFields: 100 };

/** What a listener asks of its requests' heads. */
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
