/**
 * `muster apply`: shows what a config file would change on a running node, then changes it.
 *
 * Nothing is appended before the whole file is right and the whole plan is known. A step that the node refuses ends the
 * run: what came before it stays, and the same command goes on from there once it is mended.
 */
import type { RosterView } from '../admin/roster-view.ts';
import type { StatusView } from '../admin/status-view.ts';
import { formatProblem } from '../config/config-problem.ts';
import { loadConfig, type LoadOptions } from '../config/load-config.ts';
import { planApply } from '../config/plan-apply.ts';
import { isEffective, type EffectiveStep, type PlannedRoster } from '../config/plan-step.ts';
import { planLines } from '../config/plan-text.ts';
import { CliFailure } from './cli-failure.ts';
import { printable } from './plain-text.ts';
import { paint, type Session } from './session.ts';

export interface ApplyOptions {
  readonly file: string;
  readonly dryRun?: boolean;
}

export async function applyFile(session: Session, { file, dryRun = false }: ApplyOptions): Promise<void> {
  // Read once before the node is asked, so that a broken file is told of even when no node runs.
  await loadOrFail(file, { otherPools: { has: () => true, keys: () => [] } });
  const { client } = session;
  const [status, roster] = await Promise.all([
    client.get<StatusView>('/v1/status'),
    client.get<RosterView>('/v1/roster'),
  ]);
  const { node } = await loadOrFail(file, { nodeId: status.node, otherPools: { has: () => true, keys: () => [] } });
  const origin = `config:${node.id}`;
  const otherPools = new Set(roster.pools.filter((pool) => pool.origin !== origin).map(({ id }) => id));
  const { declared } = await loadOrFail(file, { nodeId: status.node, otherPools });
  const steps = planApply(plannedRoster(roster), declared, origin);
  const revisions = dryRun ? [] : await append(session, steps.filter(isEffective), origin);
  const done = dryRun ? 'dry run: nothing was appended' : `appended ${revisions.length} events as ${origin}`;
  const lines = planLines(steps).map((line) => paintStep(printable(line)));
  await session.print({ origin, dryRun, steps, revisions }, [...lines, done]);
}

async function loadOrFail(file: string, options: LoadOptions) {
  const loaded = await loadConfig(file, { ...options, isRosterOnly: true });
  if (loaded.outcome === 'loaded') return loaded;
  throw new CliFailure('broken-config', loaded.problems.map(formatProblem).join('\nmuster: '));
}

async function append({ client }: Session, steps: readonly EffectiveStep[], origin: string): Promise<number[]> {
  const revisions: number[] = [];
  for (const { kind, name, command } of steps) {
    try {
      revisions.push((await client.post<{ revision: number }>('/v1/commands', command, origin)).revision);
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      const progress = `${revisions.length} of ${steps.length} steps were applied`;
      throw new CliFailure(error.code, `${kind} ${name}: ${error.message}; ${progress}`, error.suggestion);
    }
  }
  return revisions;
}

function plannedRoster({ pools, listeners }: RosterView): PlannedRoster {
  const poolEntries = pools.map(({ id, spec, origin, backends }) => {
    const backendEntries = backends.map(({ id: backend, target, weight, leaseMs, origin: owner }) => {
      const fields = { target: { value: target }, weight: { value: weight }, leaseMs };
      return [backend, { id: backend, ...fields, origin: owner }] as const;
    });
    return [id, { id, spec, origin, backends: new Map(backendEntries) }] as const;
  });
  return { pools: new Map(poolEntries), listeners: new Map(listeners.map((listener) => [listener.id, listener])) };
}

function paintStep(line: string): string {
  switch (line[0]) {
    case '+':
      return paint('green', line);
    case '-':
      return paint('red', line);
    case '~':
    case '!':
      return paint('yellow', line);
    default:
      return paint('dim', line);
  }
}
