/**
 * One run: a world, a schedule, the invariants after every step, and convergence at the end. The same schedule gives the same run,
 * to the last hash: its `trace` says so.
 */
import { createHash, type Hash } from 'node:crypto';
import { checkConvergence } from './checks/convergence.ts';
import { checkKeptAppends } from './checks/kept-appends.ts';
import { checkNamedObstacles } from './checks/named-obstacles.ts';
import { NoticedHistories } from './checks/noticed-histories.ts';
import { RemovedTargets } from './checks/removed-targets.ts';
import { checkSameRoster } from './checks/same-roster.ts';
import { checkSentOnce } from './checks/sent-once.ts';
import { UndisturbedTraffic } from './checks/undisturbed-traffic.ts';
import type { Finding } from './world/finding.ts';
import type { Parts } from './world/machine.ts';
import { scheduleOf } from './schedule/generate.ts';
import type { Schedule } from './schedule/schedule.ts';
import { World } from './world/world.ts';

/** For leases, retries, probes and ejections to come to their ends. */
const CONVERGENCE_MS = 30_000;
/** Findings of one run that are told; the first is what matters. */
const FINDINGS_MAX = 20;

export interface Run {
  readonly schedule: Schedule;
  /** In the order in which they were found; empty for a sound run. */
  readonly findings: readonly Finding[];
  /** After how many steps; null for none, or at the end. */
  readonly failedAtStep: number | null;
  /** A digest of everything that could be seen from outside, after every step. */
  readonly trace: string;
}

export interface RunOptions {
  /** Default: sound ones. */
  readonly parts?: Parts;
}

export function runSeed(seed: number, options: RunOptions = {}): Promise<Run> {
  return run(scheduleOf(seed), options);
}

export async function run(schedule: Schedule, options: RunOptions = {}): Promise<Run> {
  const findings: Finding[] = [];
  const report = (invariant: Finding['invariant'], message: string): void => {
    if (findings.length < FINDINGS_MAX) findings.push({ invariant, message });
  };
  const world = new World(schedule, { report, ...options });
  const checks = new Checks(world);
  const trace = createHash('sha256');
  let failedAtStep: number | null = null;
  await world.begin();
  for (const [index, { action, thenMs }] of schedule.steps.entries()) {
    await world.apply(action);
    await world.clock.advance(thenMs);
    await checks.afterStep();
    observe(world, trace);
    if (findings.length > 0) {
      failedAtStep = index + 1;
      break;
    }
  }
  if (findings.length === 0) {
    await converge(world, checks);
    observe(world, trace);
  }
  for (const machine of [...world.machines, ...world.twins.values()]) machine.crash('machine');
  return { schedule, findings, failedAtStep, trace: trace.digest('hex') };
}

async function converge(world: World, checks: Checks): Promise<void> {
  await world.mend();
  await world.clock.advance(CONVERGENCE_MS);
  await world.store.catchUp();
  checkConvergence(world);
  await checks.afterStep();
  await world.end();
}

class Checks {
  readonly #world: World;
  readonly #removedTargets = new RemovedTargets();
  readonly #traffic = new UndisturbedTraffic();
  readonly #histories = new NoticedHistories();

  constructor(world: World) {
    this.#world = world;
  }

  async afterStep(): Promise<void> {
    const world = this.#world;
    await world.store.catchUp();
    checkSameRoster(world);
    this.#histories.check(world);
    this.#removedTargets.check(world);
    checkSentOnce(world);
    checkKeptAppends(world);
    checkNamedObstacles(world);
    await this.#traffic.check(world);
  }
}

function observe(world: World, trace: Hash): void {
  const { present } = world.store;
  trace.update(`${world.clock.elapsedMs()} ${present.epoch}@${present.revision}\n`);
  for (const { name, process } of world.machines) {
    if (process === null) continue;
    const { state, epoch, revision, hash, pendingFactsCount } = process.handle.status();
    trace.update(`${name} ${state} ${epoch}@${revision} ${hash} ${pendingFactsCount}\n`);
  }
  for (const { id, end } of world.requests) trace.update(`${id} ${end}\n`);
}
