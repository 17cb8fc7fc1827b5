/** What is declared in a simulated cluster: three pools that differ in what decides, their backends, and a listener for each. */
import type { MembershipEventInput } from '@muster/membership';

export const POOLS = ['web', 'api', 'raw'] as const;
export type PoolName = (typeof POOLS)[number];
export const BACKENDS = ['b-1', 'b-2', 'b-3'] as const;
export type BackendName = (typeof BACKENDS)[number];

type SpecOf<Type extends MembershipEventInput['type']> = Omit<Extract<MembershipEventInput, { type: Type }>, 'type'>;
export type Declaration = readonly [entity: string, event: MembershipEventInput];

const SHORT = { connectTimeoutMs: 1_000, responseHeaderTimeoutMs: 2_000, drainTimeoutMs: 4_000 } as const;
const EJECTION = { consecutiveFailures: 2, baseMs: 2_000, maxMs: 6_000, maxRatio: 0.5 } as const;

/** The pools as they may be defined; the first of each is how they begin. */
export const POOL_SPECS: Record<PoolName, readonly SpecOf<'PoolDefined'>[]> = {
  web: [
    { ...SHORT, health: { tcp: true, intervalMs: 800, timeoutMs: 300, rise: 1, fall: 1 }, ejection: EJECTION },
    { ...SHORT, health: { tcp: true, intervalMs: 1_000, timeoutMs: 500, rise: 1, fall: 3 }, ejection: false },
    { ...SHORT, policy: 'least_requests', ejection: EJECTION },
  ],
  api: [
    {
      ...SHORT,
      health: { http: '/healthz', intervalMs: 1_500, timeoutMs: 500, rise: 2, fall: 2 },
      healthView: 'quorum',
      ejection: EJECTION,
    },
    {
      ...SHORT,
      policy: 'random',
      health: { http: '/healthz', intervalMs: 1_000, timeoutMs: 800, rise: 2, fall: 1 },
      healthView: 'own',
      slowStartMs: 5_000,
      panicThreshold: 0,
    },
  ],
  raw: [
    { ...SHORT, policy: 'consistent_hash', ejection: false },
    { ...SHORT, onRemoval: 'drain', ejection: EJECTION },
  ],
};

/** Where a listener may be bound, and what leads where; the first of each is how it begins. */
export const LISTENER_SPECS: Record<PoolName, readonly SpecOf<'ListenerDefined'>[]> = {
  web: [
    { bind: '127.0.0.1:8080', protocol: 'http', pool: 'web' },
    { bind: '127.0.0.1:8090', protocol: 'http', pool: 'web' },
    { bind: '127.0.0.1:8080', protocol: 'http', pool: 'api' },
    { bind: '127.0.0.1:8080', protocol: 'tcp', pool: 'web' },
  ],
  api: [
    { bind: '127.0.0.1:8081', protocol: 'http', pool: 'api' },
    { bind: '127.0.0.1:8081', protocol: 'http', routes: [{ path: '/r', pool: 'web' }] },
  ],
  raw: [
    { bind: '127.0.0.1:8082', protocol: 'tcp', pool: 'raw' },
    { bind: '127.0.0.1:8083', protocol: 'tcp', pool: 'raw' },
  ],
};

/** Its second one is where it moves to. In `raw` backends share targets: two ids may name the same process. */
export function targetOf(pool: PoolName, backend: BackendName, variant: number): string {
  const index = BACKENDS.indexOf(backend);
  const host = pool === 'raw' ? (index + variant) % BACKENDS.length : index * 10 + variant;
  return `10.0.${POOLS.indexOf(pool)}.${host + 1}:80`;
}

/** Every target that any backend may have. */
export function allTargets(): string[] {
  const targets = POOLS.flatMap((pool) =>
    BACKENDS.flatMap((backend) => [0, 1].map((variant) => targetOf(pool, backend, variant))),
  );
  return [...new Set(targets)];
}

export function poolDefined(pool: PoolName, variant: number): Declaration {
  return [`pool.${pool}`, { type: 'PoolDefined', ...POOL_SPECS[pool][variant]! }];
}

export function listenerDefined(listener: PoolName, variant: number): Declaration {
  return [`listener.${listener}`, { type: 'ListenerDefined', ...LISTENER_SPECS[listener][variant]! }];
}

export function backendRegistered(pool: PoolName, backend: BackendName, variant: number): Declaration {
  return [`backend.${pool}.${backend}`, { type: 'BackendRegistered', target: targetOf(pool, backend, variant) }];
}

/** What a cluster begins with. */
export function declared(): Declaration[] {
  return [
    ...POOLS.map((pool) => poolDefined(pool, 0)),
    ...POOLS.flatMap((pool) => BACKENDS.slice(0, 2).map((backend) => backendRegistered(pool, backend, 0))),
    ...POOLS.map((pool) => listenerDefined(pool, 0)),
  ];
}

/** What somebody declares who knows nothing of the others. */
export function declaredPoorly(): Declaration[] {
  return [poolDefined('web', 0), backendRegistered('web', 'b-1', 0), listenerDefined('web', 0)];
}
