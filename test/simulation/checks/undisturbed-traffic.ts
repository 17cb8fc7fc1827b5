/**
 * I6: the journal being away does not touch traffic. Checked whether it is away or not, since the same must hold: a node that
 * serves goes on serving, its listeners stay, its probes go on, what they find acts at once, and a request is answered by
 * whichever backend is there.
 */
import { backendSet, observationBy, withPendingFacts, type Backend, type Pool, type Roster } from '@muster/membership';
import type { ClientRequest } from '../world/clients.ts';
import type { NodeProcess } from '../world/machine.ts';
import type { SimulatedProxy } from '../world/simulated-proxy.ts';
import type { World } from '../world/world.ts';

/** Beyond interval, jitter and timeout: ticks of the clock. */
const PROBE_LATE_MS = 500;

interface Asked {
  readonly who: string;
  readonly proxy: SimulatedProxy;
  /** What the worker went by when it was asked. */
  readonly roster: Roster;
  readonly request: ClientRequest;
  readonly expected: number;
}

export class UndisturbedTraffic {
  /** Workers that were up to date at the end of the step before. */
  #steady = new WeakSet<SimulatedProxy>();

  async check(world: World): Promise<void> {
    const asked: Asked[] = [];
    const steady = new WeakSet<SimulatedProxy>();
    for (const process of world.serving()) {
      checkState(world, process);
      checkProbes(world, process);
      for (const proxy of process.livingProxies()) {
        if (proxy.roster === null || !proxy.isUpToDate || proxy.isDraining) continue;
        steady.add(proxy);
        if (!this.#steady.has(proxy)) continue;
        checkWorker(world, process, proxy);
        asked.push(...ask(world, process, proxy));
      }
    }
    this.#steady = steady;
    await world.clock.settle();
    for (const { who, proxy, roster, request, expected } of asked) {
      // Where the roster changed meanwhile, so may have the answer.
      if (request.end === expected || proxy.roster !== roster) continue;
      world.report('I6', `${who}: a request ended with ${request.end ?? 'nothing'} instead of ${expected}`);
    }
  }
}

function checkState({ report }: World, { machine, handle }: NodeProcess): void {
  const { state, journalAwaySinceMs } = handle.status();
  const journal = journalAwaySinceMs === null ? '' : ', and its journal is away';
  if (state !== 'serving') report('I6', `${machine.name} served and is ${state} now${journal}`);
}

/** What its probes found so often in a row that it decides is what this node goes by. */
function checkProbes(world: World, process: NodeProcess): void {
  const { handle, watch } = process;
  for (const pool of handle.roster().pools.values()) {
    if (pool.spec.health === undefined) continue;
    for (const backend of pool.backends.values()) {
      if (backend.mode.value === 'maint') continue;
      checkFinding(world, process, { pool, backend });
      const { intervalMs, timeoutMs, jitterRatio } = pool.spec.health;
      const nowMs = world.clock.elapsedMs();
      const { startedAtMs, sinceMs } = watch.tally.of(backend.target.value);
      const beganMs = Math.max(startedAtMs, sinceMs, watch.servesSinceMs!, world.wentOnAtMs);
      const dueMs = beganMs + intervalMs * (1 + jitterRatio) + timeoutMs;
      if (nowMs <= dueMs + PROBE_LATE_MS) continue;
      const forMs = nowMs - startedAtMs;
      world.report('I6', `${process.machine.name} has not probed ${pool.id}/${backend.id} for ${forMs} ms`);
    }
  }
}

function checkFinding(
  { report }: World,
  { machine, handle, watch }: NodeProcess,
  { pool, backend }: { pool: Pool; backend: Backend },
): void {
  const { observations } = withPendingFacts(backend, machine.name, handle.pending());
  const { value } = observationBy(machine.name, observations).health;
  const expected = watch.tally.verdict(backend.target.value, pool.spec.health!);
  if (expected === null || value === expected) return;
  const { passedInRow, failedInRow } = watch.tally.of(backend.target.value);
  const seen = failedInRow > 0 ? `${failedInRow} probes failed` : `${passedInRow} probes passed`;
  report('I6', `${machine.name} goes by ${value} of ${pool.id}/${backend.id}, of which ${seen} in a row`);
}

function checkWorker({ report }: World, { machine, handle, boundBinds }: NodeProcess, proxy: SimulatedProxy): void {
  const who = `worker ${proxy.index} of ${machine.name}`;
  const ofNode = [...handle.pending().keys()].sort().join();
  const ofWorker = [...proxy.pending.keys()].sort().join();
  if (ofNode !== ofWorker) report('I6', `${who} goes by the facts [${ofWorker}] instead of [${ofNode}]`);
  for (const { id, spec } of handle.roster().listeners.values()) {
    if (!boundBinds.has(spec.bind) || proxy.transport.binds.includes(spec.bind)) continue;
    report('I6', `${who} does not listen on ${spec.bind} for ${id}`);
  }
}

/** Where every backend that may be picked answers at once, or none may be picked, the answer is certain. */
function* ask(world: World, { machine }: NodeProcess, proxy: SimulatedProxy): Generator<Asked> {
  const view = { roster: proxy.roster!, node: machine.name, pending: proxy.pending };
  for (const { id, spec } of proxy.roster!.listeners.values()) {
    if (spec.protocol !== 'http' || spec.pool === undefined || !proxy.transport.binds.includes(spec.bind)) continue;
    const backends = backendSet(view, spec.pool, machine.options.clock.now() + machine.wall.offsetMs)?.backends ?? [];
    const isCertain = backends.every(({ target }) => world.targets.at(target).isPrompt && machine.isReachable(target));
    if (!isCertain) continue;
    const { roster } = view;
    const request = world.ask(proxy, { bind: spec.bind, method: 'GET' });
    if (request === null) continue;
    const who = `worker ${proxy.index} of ${machine.name}, listener ${id}, pool ${spec.pool}`;
    yield { who, proxy, roster, request, expected: backends.length === 0 ? 503 : 200 };
  }
}
