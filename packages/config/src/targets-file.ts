/**
 * The short form of a config: nothing but a list of services.
 *
 *     [[targets]]
 *     address = "http://127.0.0.1:8001"
 *     health_check_endpoint = "/healthz"
 *
 * It means one pool, `targets`, with an HTTP health check every 5 s, its backends `target-1`, `target-2`, … in the
 * file's order, and one listener, `targets`, on 127.0.0.1:8080. It speaks HTTP, unless nothing in the file does: addresses
 * without `http://` and without endpoints are checked by a TCP connect and relayed to. A pool has one health check, so
 * targets with different endpoints are refused; they need pools of their own.
 */
import { ADDRESS_RULE, formatAddress, listenerSpecSchema, parseTarget, poolSpecSchema } from '@muster/membership';
import type { TargetTable } from './config-schema.ts';
import type { Fault } from './config-problem.ts';
import type { DeclaredRoster } from './declared-roster.ts';

const TARGETS_BIND = '127.0.0.1:8080';
const TARGETS_NAME = 'targets';
const HTTP_PORT = 80;

export interface TargetsRoster {
  readonly declared: DeclaredRoster;
  readonly faults: readonly Fault[];
}

export function targetsRoster(targets: readonly TargetTable[]): TargetsRoster {
  const faults: Fault[] = [];
  const backends = targets.map(({ address }, index) => {
    const target = targetOf(address);
    if (typeof target === 'object') faults.push({ path: ['targets', index, 'address'], ...target });
    return { id: `target-${index + 1}`, target: typeof target === 'string' ? target : address, weight: 1 };
  });
  const endpoints = targets.map((target, index) => {
    const path = pathOf(target.health_check_endpoint, backends[index]!.target);
    if (typeof path === 'object' && path !== null) {
      faults.push({ path: ['targets', index, 'health_check_endpoint'], ...path });
      return null;
    }
    return path;
  });
  faults.push(...differingEndpoints(endpoints));
  const http = endpoints[0] ?? null;
  const health = http === null ? ({ tcp: true } as const) : { http };
  const pool = poolSpecSchema.safeParse({ health });
  const isHttp = http !== null || targets.some(({ address }) => address.startsWith('http://'));
  const protocol = isHttp ? 'http' : 'tcp';
  const listener = listenerSpecSchema.parse({ bind: TARGETS_BIND, protocol, pool: TARGETS_NAME });
  if (!pool.success || faults.length > 0) return { declared: { pools: [], listeners: [] }, faults };
  return {
    declared: {
      pools: [{ id: TARGETS_NAME, spec: pool.data, backends }],
      listeners: [{ id: TARGETS_NAME, spec: listener }],
    },
    faults,
  };
}

type Wrong = Omit<Fault, 'path'>;

/** `127.0.0.1:8001` of `http://127.0.0.1:8001/`. */
function targetOf(address: string): string | Wrong {
  if (!address.includes('://')) {
    if (parseTarget(address) !== null) return address;
    return { what: `address is ${JSON.stringify(address.slice(0, 80))}`, fix: ADDRESS_RULE };
  }
  const url = URL.parse(address);
  if (url === null || url.protocol !== 'http:') {
    const what = `address is ${JSON.stringify(address.slice(0, 80))}`;
    return { what, fix: 'give HOST:PORT or http://HOST:PORT; TLS to a backend is not spoken' };
  }
  if (url.pathname !== '/' || url.search !== '') {
    return { what: `address ends in ${url.pathname}${url.search}`, fix: 'give HOST:PORT alone' };
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const target = formatAddress({ kind: 'tcp', host, port: url.port === '' ? HTTP_PORT : Number(url.port) });
  return parseTarget(target) === null ? { what: `address is ${JSON.stringify(address)}`, fix: ADDRESS_RULE } : target;
}

/** `/healthz` of `/healthz` or of `http://127.0.0.1:8001/healthz`; null where none is given. */
function pathOf(endpoint: string | undefined, target: string): string | null | Wrong {
  if (endpoint === undefined) return null;
  const shown = JSON.stringify(endpoint.slice(0, 80));
  const fix = 'give a path such as "/healthz"';
  if (!endpoint.includes('://')) {
    const path = endpoint.startsWith('/') ? endpoint : `/${endpoint}`;
    return /^\/[\x21-\x7e]{0,1023}$/.test(path) ? path : { what: `health_check_endpoint is ${shown}`, fix };
  }
  const url = URL.parse(endpoint);
  if (url === null || url.protocol !== 'http:') return { what: `health_check_endpoint is ${shown}`, fix };
  const asked = targetOf(`http://${url.host}`);
  if (asked !== target) return { what: `health_check_endpoint ${shown} is not at ${target}`, fix };
  const path = url.pathname + url.search;
  return path.length <= 1024 ? path : { what: 'health_check_endpoint is too long', fix };
}

function differingEndpoints(endpoints: readonly (string | null)[]): Fault[] {
  const index = endpoints.findIndex((endpoint) => endpoint !== endpoints[0]);
  if (index === -1) return [];
  const [first, other] = [endpoints[0], endpoints[index]].map((endpoint) => endpoint ?? 'none');
  const what = `health_check_endpoint differs between targets: ${first} and ${other}`;
  const fix = 'a pool has one health check; give them the same endpoint, or use [[pools]] and [[listeners]]';
  return [{ path: ['targets', index, 'health_check_endpoint'], what, fix }];
}
