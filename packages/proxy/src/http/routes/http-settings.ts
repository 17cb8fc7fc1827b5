/**
 * An `http` listener's spec with its defaults, as the connections read it: made once per definition, not per request.
 */
import { createHash } from 'node:crypto';
import { parseCidr, type Cidr, type ListenerSpec } from '@muster/membership';
import { PATH_RULES, REQUEST_RULES, saidByProxies, type RequestRules } from '@muster/http1';
import { PolicyTable } from './exchange-policy.ts';
import { RouteTable } from './route-table.ts';

export interface HttpSettings {
  readonly routes: RouteTable;
  /** What an exchange with a pool may do. */
  readonly policies: PolicyTable;
  /** What is asked of the head of a request. */
  readonly requestRules: RequestRules;
  /** Infinity: none. */
  readonly maxBodyBytes: number;
  readonly headTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly tunnelIdleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  readonly trustedProxies: readonly Cidr[];
  readonly forwardedFields: NonNullable<ListenerSpec['forwardedFields']>;
  /** `keep`, `target`, or the name that a backend sees. */
  readonly hostField: string;
  /** How this listener is called in Via, so that a request that comes back to it is known; null: `muster`, and none is. */
  readonly pseudonym: string | null;
  readonly accessLog: NonNullable<ListenerSpec['accessLog']>;
}

const TIMEOUTS = { headTimeoutMs: 60_000, keepAliveTimeoutMs: 75_000, bodyTimeoutMs: 60_000 } as const;

/**
 * Who sends a request, half-closes and waits, as `nc` does, shall get what it waits for; who has closed for good shall not hold a
 * backend for long. (nginx and Envoy take both for the latter, at once.)
 */
const HALF_CLOSE_TIMEOUT_MS = 30_000;

/**
 * The same in every worker of a node for one listener, and in no other node. It names the listener and not the node, because one listener
 * may lawfully stand behind another of the same node, with a proxy between them that passes Via on.
 */
export function pseudonymOf({ bind, pool, routes }: ListenerSpec, loopMark: string | null): string | null {
  if (loopMark === null) return null;
  const listener = JSON.stringify([loopMark, bind, pool, routes]);
  return `muster-${createHash('sha256').update(listener).digest('hex').slice(0, 16)}`;
}

export function httpSettings(spec: ListenerSpec, pseudonym: string | null = null): HttpSettings {
  const { headTimeoutMs, keepAliveTimeoutMs } = TIMEOUTS;
  const bodyTimeoutMs = spec.bodyTimeoutMs ?? TIMEOUTS.bodyTimeoutMs;
  return {
    policies: new PolicyTable({ bodyTimeoutMs }),
    routes: new RouteTable(spec.routes ?? [{ pool: spec.pool! }]),
    requestRules: requestRules(spec),
    maxBodyBytes: spec.maxBodyBytes ?? Infinity,
    headTimeoutMs: spec.headTimeoutMs ?? headTimeoutMs,
    keepAliveTimeoutMs: spec.keepAliveTimeoutMs ?? keepAliveTimeoutMs,
    bodyTimeoutMs,
    tunnelIdleTimeoutMs: spec.idleTimeoutMs,
    halfCloseTimeoutMs: spec.halfCloseTimeoutMs ?? HALF_CLOSE_TIMEOUT_MS,
    trustedProxies: (spec.trustedProxies ?? []).map((text) => parseCidr(text)!),
    forwardedFields: spec.forwardedFields ?? 'x-forwarded',
    hostField: spec.hostField ?? 'keep',
    pseudonym,
    accessLog: spec.accessLog ?? 'errors',
  };
}

function requestRules(spec: ListenerSpec): RequestRules {
  return {
    maxHeadBytes: spec.maxHeadBytes ?? REQUEST_RULES.maxHeadBytes,
    maxFields: spec.maxFields ?? REQUEST_RULES.maxFields,
    maxTargetBytes: spec.maxTargetBytes ?? REQUEST_RULES.maxTargetBytes,
    path: {
      escapedSlashes: spec.escapedSlashes ?? PATH_RULES.escapedSlashes,
      emptySegments: spec.emptySegments ?? PATH_RULES.emptySegments,
      pathParameters: spec.pathParameters ?? PATH_RULES.pathParameters,
    },
    proxyFields: saidByProxies(spec.proxyFields ?? []),
  };
}
