/**
 * `muster apply`: shows what a config file would change on a running node, changes it, and says whether it took force.
 *
 * Nothing is appended before the whole file is right and the whole plan is known. Each step is refused where somebody changed the
 * same thing since the plan was made; then it is planned anew. A step that the node refuses otherwise ends the run: what came before
 * it stays, and the same command goes on from there once it is mended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendView, RosterView } from '@muster/questions/roster';
import type { StatusView } from '@muster/questions/status';
import { paint, printable, writeError } from '@muster/questions/text';
import {
  type DeclaredRoster,
  type EffectiveStep,
  type FieldChange,
  formatProblem,
  isEffective,
  leftAlone,
  type LoadOptions,
  massRemoval,
  type NodeConfig,
  notInForce,
  type NotInForce,
  parseConfig,
  planApply,
  planLines,
  type PlannedRoster,
  type PlanStep,
  readConfig,
  settingChanges,
  showValue,
  unsettled,
} from '@muster/config';
import { CliFailure, EXIT_CODES } from './cli-failure.ts';
import { type Session } from './session.ts';

export interface ApplyOptions {
  readonly file: string;
  readonly dryRun?: boolean;
  /** What the file declares becomes its own, whoever set it last. */
  readonly takeOver?: boolean;
  /** Most of what the config owns may go. */
  readonly allowRemovals?: boolean;
  /** The file may be that of another node. */
  readonly otherNode?: boolean;
  /** False: what was appended is not looked after. */
  readonly wait: boolean;
  /** ms; how long to wait for the outcome. */
  readonly timeout: number;
}

/** How often a plan is made anew where others change the same things. */
const PLANS_MAX = 3;
const LOOK_INTERVAL_MS = 100;
/** More than a probe takes by default (2 s): what has not answered by then does not hold up the rest. */
const FINDINGS_TIMEOUT_MS = 3_000;
/** So many looks in a row must find nothing under way. */
const SETTLED_LOOKS = 3;
/** Names in a message. */
const REMOVALS_SHOWN_MAX = 6;

/** Resolves to the exit code: 1 where something that the file says is not in force. */
export async function applyFile(session: Session, options: ApplyOptions): Promise<number> {
  const { file, dryRun = false } = options;
  const text = await readOrFail(file);
  const load = (loadOptions: LoadOptions) => parseOrFail(text, file, loadOptions);
  // Before the node is asked, so that a broken file is told of even when no node runs.
  load({ otherPools: ANY_POOL });
  const status = await session.client.get<StatusView>('/v1/status');
  const { node, isAboutNode } = load({ nodeId: status.node, otherPools: ANY_POOL });
  refuseForeign(node, status, options);
  const origin = `config:${node.id}`;
  const { steps, revisions, declared } = await applyRoster(session, { ...options, load, origin, nodeId: status.node });
  const isComparable = isAboutNode && node.id === status.node && status.settings !== null;
  const settings = isComparable ? settingChanges(status.settings, node.settings) : [];
  const isAwaited = options.wait && !dryRun;
  const outcome = isAwaited ? await outcomeOf(session, declared, { revisions, timeoutMs: options.timeout }) : null;
  const wrong = [...leftAlone(steps), ...restartNeeded(status.node, settings), ...(outcome?.wrong ?? [])];
  const answer = { origin, dryRun, steps, revisions, settings, isAwaited, notInForce: wrong };
  const appended = `appended ${revisions.length} event${revisions.length === 1 ? '' : 's'} as ${origin}`;
  const lines = [
    ...planLines(steps),
    ...settings.map(({ field, from, to }) => `! ${field}   needs a restart: ${showValue(from)} → ${showValue(to)}`),
  ];
  await session.print(answer, [
    ...lines.map((line) => paintStep(printable(line))),
    dryRun ? 'dry run: nothing was appended' : appended,
    ...(outcome === null ? [] : outcomeLines(outcome, status.node)),
  ]);
  if (!session.isJson) adviseAbout(steps);
  return wrong.length === 0 ? EXIT_CODES.ok : EXIT_CODES.failed;
}

/** Whether pools that the file does not declare exist is judged once the roster is known. */
const ANY_POOL = { has: () => true, keys: () => [] };

/** Once: the standard input is gone then, and a file might be another one. */
async function readOrFail(file: string): Promise<string> {
  const reading = await readConfig(file);
  if (reading.outcome === 'read') return reading.text;
  throw new CliFailure('unreadable-file', reading.problems.map(formatProblem).join('\n'));
}

function parseOrFail(text: string, file: string, options: LoadOptions) {
  const loaded = parseConfig(text, file, { ...options, isRosterOnly: true });
  if (loaded.outcome === 'loaded') return loaded;
  throw new CliFailure('broken-config', loaded.problems.map(formatProblem).join('\n'));
}

/** A file says whose it is; one that does not is taken for that of the node that is asked. */
function refuseForeign(node: NodeConfig, status: StatusView, { file, otherNode = false }: ApplyOptions): void {
  if (node.cluster !== status.cluster) {
    const message = `${file} is for cluster "${node.cluster}", and node ${status.node} is of "${status.cluster}"; choose another node with --admin`;
    throw new CliFailure('other-cluster', message);
  }
  if (node.id === status.node || otherNode) return;
  const message = `${file} is the config of node "${node.id}", and the node that answers is "${status.node}"; choose the other one with --admin, or give --other-node to publish it from here as config:${node.id}`;
  throw new CliFailure('other-node', message);
}

interface RosterOptions extends ApplyOptions {
  readonly load: (options: LoadOptions) => ReturnType<typeof parseOrFail>;
  readonly origin: string;
  readonly nodeId: string;
}

interface Applied {
  readonly steps: readonly PlanStep[];
  readonly revisions: readonly number[];
  readonly declared: DeclaredRoster;
}

/** Plans, and appends what differs; plans again where somebody else changed the same thing in between. */
async function applyRoster(session: Session, options: RosterOptions): Promise<Applied> {
  const { file, load, origin, nodeId, dryRun = false, takeOver = false } = options;
  const revisions: number[] = [];
  for (let plansCount = 1; ; plansCount++) {
    const view = await session.client.get<RosterView>('/v1/roster');
    const roster = plannedRoster(view);
    const otherPools = new Set(view.pools.filter((pool) => pool.origin !== origin).map(({ id }) => id));
    const { declared } = load({ nodeId, otherPools });
    const steps = planApply(roster, declared, { origin, takesOver: takeOver });
    const removed = options.allowRemovals === true ? null : massRemoval(roster, steps, origin);
    if (removed !== null) throw massRemovalFailure(removed, steps, { file, origin });
    if (dryRun) return { steps, revisions, declared };
    const outcome = await append(session, steps.filter(isEffective), { origin, revisions });
    if (outcome === 'done') return { steps, revisions, declared };
    if (plansCount === PLANS_MAX) throw new CliFailure('contended', `${outcome.message}; ${progress(revisions)}`);
  }
}

function massRemovalFailure(
  removed: string,
  steps: readonly PlanStep[],
  { file, origin }: { file: string; origin: string },
) {
  const going = steps.filter(({ action }) => action === 'remove').map(({ kind, name }) => `${kind} ${name}`);
  const shown = going.slice(0, REMOVALS_SHOWN_MAX).join(', ') + (going.length > REMOVALS_SHOWN_MAX ? ', …' : '');
  const message = `${file} would remove ${removed} that ${origin} owns (${shown}); is the file whole? Give --allow-removals if that is meant`;
  return new CliFailure('mass-removal', message);
}

/** `revisions` grows with each step. A refusal because of a change in between is returned; any other one is thrown. */
async function append(
  { client }: Session,
  steps: readonly EffectiveStep[],
  { origin, revisions }: { readonly origin: string; readonly revisions: number[] },
): Promise<'done' | CliFailure> {
  let isNewKnown = true;
  for (const { action, kind, name, command } of steps) {
    if (action !== 'remove' && kind !== 'listener') isNewKnown = false;
    else if (!isNewKnown) {
      await firstFindings(client);
      isNewKnown = true;
    }
    try {
      revisions.push((await client.post<{ revision: number }>('/v1/commands', command, origin)).revision);
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      if (error.code === 'changed-meanwhile' || error.code === 'exists' || error.code === 'contended') return error;
      const message = `${kind} ${name}: ${error.message}; ${progress(revisions)}`;
      throw new CliFailure(error.code, message, error.suggestion);
    }
  }
  return 'done';
}

/**
 * Waits until the node has seen every backend that it watches, or for `FINDINGS_TIMEOUT_MS`: who is new can take over before a listener
 * leads there, and before who was there goes.
 */
async function firstFindings(client: Session['client']): Promise<void> {
  const deadlineMs = performance.now() + FINDINGS_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const { pools } = await client.get<RosterView>('/v1/roster');
    const isUnseen = ({ health, mode }: BackendView) => health.value === 'unknown' && mode.value !== 'maint';
    if (!pools.some(({ spec, backends }) => spec.health !== undefined && backends.some(isUnseen))) return;
    await sleep(LOOK_INTERVAL_MS);
  }
}

function progress({ length }: readonly number[]): string {
  return length === 0
    ? 'nothing was appended'
    : `${length} step(s) were applied before and stay; the same command goes on from there`;
}

interface Outcome {
  readonly revision: number;
  readonly wrong: readonly NotInForce[];
}

/** Looks until nothing is under way any more, or the time is over. */
async function outcomeOf(
  { client }: Session,
  declared: DeclaredRoster,
  { revisions, timeoutMs }: { readonly revisions: readonly number[]; readonly timeoutMs: number },
): Promise<Outcome> {
  const deadlineMs = performance.now() + timeoutMs;
  const revision = Math.max(0, ...revisions);
  for (let settledCount = 0; ; await sleep(LOOK_INTERVAL_MS)) {
    const status = await client.get<StatusView>('/v1/status');
    const underWay = unsettled(status, declared, revision);
    settledCount = underWay.length === 0 ? settledCount + 1 : 0;
    const isOver = performance.now() >= deadlineMs;
    if (settledCount < SETTLED_LOOKS && !isOver) continue;
    const late = underWay.map((why): NotInForce => ({
      kind: 'node',
      name: status.node,
      why: `after ${timeoutMs} ms, ${why}`,
    }));
    return { revision: status.revision, wrong: [...notInForce(status, declared), ...late] };
  }
}

function restartNeeded(node: string, settings: readonly FieldChange[]): NotInForce[] {
  return settings.map(({ field, from, to }) => {
    return {
      kind: 'node',
      name: node,
      why: `${field} is ${showValue(from)}, the file says ${showValue(to)}: restart it`,
    };
  });
}

function outcomeLines({ revision, wrong }: Outcome, node: string): string[] {
  if (wrong.length === 0) return [`in force on ${node} at revision ${revision}`];
  const lines = wrong.map(({ kind, name, why }) => printable(`! ${kind} ${name}   ${why}`));
  return ['', `not in force on ${node}:`, ...lines].map((line) => paint('red', line));
}

function adviseAbout(steps: readonly PlanStep[]): void {
  const isTaken = (step: PlanStep): boolean => step.action === 'left-alone' && step.canBeTaken;
  if (steps.some(isTaken)) writeError('muster: --take-over makes what others changed as the file says it');
}

function plannedRoster({ pools, listeners }: RosterView): PlannedRoster {
  const poolEntries = pools.map(({ id, spec, origin, revision, backends }) => {
    const backendEntries = backends.map(({ id: backend, target, weight, leaseMs, origin: owner, revision: at }) => {
      const fields = { target: { value: target }, weight: { value: weight }, leaseMs };
      return [backend, { id: backend, ...fields, origin: owner, revision: at }] as const;
    });
    return [id, { id, spec, origin, revision, backends: new Map(backendEntries) }] as const;
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
