/**
 * I4: no connection and no dial to a target that no longer belongs to its pool. Where the pool says `onRemoval: drain`, none after
 * its drain timeout.
 */
import type { PoolSpec } from '@muster/membership';
import { POOLS } from '../schedule/declared.ts';
import type { SimulatedProxy } from '../world/simulated-proxy.ts';
import type { Upstream } from '../world/worker-transport.ts';
import type { World } from '../world/world.ts';

/** A worker's wheel turns so often, and a step may end just before it. */
const LATE_MS = 1_100;

export class RemovedTargets {
  readonly #deadlineByUpstream = new WeakMap<Upstream, number>();
  readonly #specsByWorker = new WeakMap<SimulatedProxy, Map<string, PoolSpec>>();

  check(world: World): void {
    for (const { process, proxy } of world.workers()) {
      for (const upstream of proxy.transport.upstreams()) {
        const pool = poolOf(upstream.target);
        if (isMember(proxy, pool, upstream.target)) {
          this.#deadlineByUpstream.delete(upstream);
          continue;
        }
        const deadlineMs = this.#deadlineOf(upstream, {
          nowMs: world.clock.elapsedMs(),
          spec: this.#specOf(proxy, pool),
        });
        if (world.clock.elapsedMs() < deadlineMs) continue;
        const what = upstream.connection === null ? 'dials' : 'holds a connection to';
        const who = `worker ${proxy.index} of ${process.machine.name}`;
        world.report(
          'I4',
          `${who} ${what} ${upstream.target}, which left pool ${pool} by revision ${proxy.roster?.revision}`,
        );
      }
      this.#rememberSpecs(proxy);
    }
  }

  #deadlineOf(upstream: Upstream, { nowMs, spec }: { nowMs: number; spec: PoolSpec | undefined }): number {
    const known = this.#deadlineByUpstream.get(upstream);
    if (known !== undefined) return known;
    const deadlineMs = spec?.onRemoval === 'drain' ? nowMs + spec.drainTimeoutMs + LATE_MS : nowMs;
    this.#deadlineByUpstream.set(upstream, deadlineMs);
    return deadlineMs;
  }

  /** Of a pool that is gone, the last one it had. */
  #specOf(proxy: SimulatedProxy, pool: string): PoolSpec | undefined {
    return proxy.roster?.pools.get(pool)?.spec ?? this.#specsByWorker.get(proxy)?.get(pool);
  }

  #rememberSpecs(proxy: SimulatedProxy): void {
    const specs = this.#specsByWorker.get(proxy) ?? new Map<string, PoolSpec>();
    for (const { id, spec } of proxy.roster?.pools.values() ?? []) specs.set(id, spec);
    this.#specsByWorker.set(proxy, specs);
  }
}

function isMember(proxy: SimulatedProxy, pool: string, target: string): boolean {
  for (const backend of proxy.roster?.pools.get(pool)?.backends.values() ?? []) {
    if (backend.target.value === target) return true;
  }
  return false;
}

/** Targets say which pool they were made for: `10.0.2.1:80` is of the third. */
function poolOf(target: string): string {
  return POOLS[Number(target.split('.')[2])]!;
}
