/**
 * An `http` listener's spec with its defaults, as the connections read it: made once per definition, not per request.
 */
import { parseCidr, type Cidr, type ListenerSpec } from '@muster/membership';
import { HEAD_LIMITS, type HeadLimits } from '@muster/http1';
import { RouteTable } from './route-table.ts';

export interface HttpSettings {
  readonly routes: RouteTable;
  readonly headLimits: HeadLimits;
  /** Infinity: none. */
  readonly maxBodyBytes: number;
  readonly headTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly tunnelIdleTimeoutMs: number;
  readonly trustedProxies: readonly Cidr[];
  readonly forwardedFields: NonNullable<ListenerSpec['forwardedFields']>;
  /** `keep`, `target`, or the name that a backend sees. */
  readonly hostField: string;
  readonly accessLog: NonNullable<ListenerSpec['accessLog']>;
}

const TIMEOUTS = { headTimeoutMs: 60_000, keepAliveTimeoutMs: 75_000, bodyTimeoutMs: 60_000 } as const;

export function httpSettings(spec: ListenerSpec): HttpSettings {
  const { headTimeoutMs, keepAliveTimeoutMs, bodyTimeoutMs } = TIMEOUTS;
  return {
    routes: new RouteTable(spec.routes ?? [{ pool: spec.pool! }]),
    headLimits: {
      maxHeadBytes: spec.maxHeadBytes ?? HEAD_LIMITS.maxHeadBytes,
      maxFields: spec.maxFields ?? HEAD_LIMITS.maxFields,
      maxTargetBytes: spec.maxTargetBytes ?? HEAD_LIMITS.maxTargetBytes,
    },
    maxBodyBytes: spec.maxBodyBytes ?? Infinity,
    headTimeoutMs: spec.headTimeoutMs ?? headTimeoutMs,
    keepAliveTimeoutMs: spec.keepAliveTimeoutMs ?? keepAliveTimeoutMs,
    bodyTimeoutMs: spec.bodyTimeoutMs ?? bodyTimeoutMs,
    tunnelIdleTimeoutMs: spec.idleTimeoutMs,
    trustedProxies: (spec.trustedProxies ?? []).map((text) => parseCidr(text)!),
    forwardedFields: spec.forwardedFields ?? 'x-forwarded',
    hostField: spec.hostField ?? 'keep',
    accessLog: spec.accessLog ?? 'errors',
  };
}
