/**
 * Brings the roster to what the node's own config declares, when the node has caught up: appends what differs, removes what
 * this config declared before and no longer does, and leaves alone what others published. What the journal does not take,
 * because it went away meanwhile, is planned and tried again until it does or the node stops.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandOutcome, NodeHandle } from '@muster/actors';
import {
  type DeclaredRoster,
  type EffectiveStep,
  isEffective,
  massRemoval,
  planApply,
  planLines,
  type PlanStep,
  withoutRemovals,
} from '@muster/config';
import { observationBy, withPendingFacts } from '@muster/membership';
import type { Log } from '../log/log.ts';

export interface ApplyConfigOptions {
  readonly node: NodeHandle;
  readonly declared: DeclaredRoster;
  /** For example `config:lb-1`. */
  readonly origin: string;
  /** Whether a person asked for it just now, and not the start or another history. */
  readonly isAsked: boolean;
  readonly log: Log;
}

/** Commands on their way at once: enough to share the journal's group commits, few enough to bound what waits. */
const COMMANDS_IN_FLIGHT_MAX = 128;
/** Between two tries while the journal is away. */
const RETRY_INTERVAL_MS = 1_000;

/** What a config is applied to: a node, or another history that a node is about to adopt. */
type ApplyTarget = Pick<NodeHandle, 'roster' | 'execute'>;

type TargetOptions = Omit<ApplyConfigOptions, 'node' | 'isAsked'> & { readonly node: ApplyTarget };

/**
 * Writes it into another history before that takes the place of the served one, so that nothing of it is missing for a moment. One
 * try: what is not taken now is applied afterwards. Nothing is probed there, and what the node found of a target stays true.
 */
export async function applyAhead(options: ApplyConfigOptions, successor: ApplyTarget): Promise<void> {
  const isHeld = options.node.status().name.state === 'held';
  if (!isHeld || nameRefusal(options, successor) !== null) return;
  await applyOnce({ ...options, node: successor }, () => Promise.resolve());
}

/**
 * Resolves when everything was appended or refused, or the node stops; to false where none of it was tried, because another process
 * is or was this node: the log says so.
 */
export async function applyConfig(options: ApplyConfigOptions): Promise<boolean> {
  const { node, log } = options;
  const refusal = nameRefusal(options, node);
  if (refusal !== null) {
    log.error({}, `config: nothing is applied: ${refusal}`);
    return false;
  }
  const findFirst = () => firstFindings(node);
  let waitingCount = await applyOnce(options, findFirst);
  if (waitingCount > 0)
    log.warn({ waitingCount }, `config: ${waitingCount} change(s) could not be appended; they are tried again`);
  while (waitingCount > 0 && !isStopping(node)) {
    await sleep(RETRY_INTERVAL_MS);
    if (node.status().journalAwaySinceMs === null) waitingCount = await applyOnce(options, findFirst);
  }
  return true;
}

/**
 * A process that stood back has learnt that its id was given twice. What it declares may be another node's by mistake, so it changes
 * nothing by itself, also once it has the name: a person decides. Null where the file may be applied, or changes nothing.
 */
function nameRefusal(
  { node, declared, origin, isAsked }: ApplyConfigOptions,
  target: Pick<NodeHandle, 'roster'>,
): string | null {
  const { state, reason, hasStoodBack } = node.status().name;
  if (state === 'standing-back') return reason;
  if (!hasStoodBack || isAsked) return null;
  const changes = planApply(target.roster(), declared, { origin, takesOver: false }).filter(isEffective);
  if (changes.length === 0) return null;
  return (
    `this process stood back for another one with its id, and its file would change ${changes.length} thing(s) that are declared ` +
    `now; look at them with "muster apply -f FILE --dry-run", then apply them, or send SIGHUP`
  );
}

function isStopping(node: NodeHandle): boolean {
  const { state } = node.status();
  return state === 'stopping' || state === 'stopped';
}

/**
 * Backends are independent of each other and go many at a time; pools and listeners go one by one, in the plan's order. The
 * first listener, and the first removal, wait for the first findings about the backends, so that who is new can take over before who
 * was there goes. A step that is refused is logged; the others go on, since each is about an entity of its own. Returns how many steps
 * are to be planned again: the journal did not take them, or somebody changed the same thing in between.
 */
async function applyOnce(options: TargetOptions, findFirst: () => Promise<void>): Promise<number> {
  const waiting: Promise<void>[] = [];
  let unavailableCount = 0;
  let findings: Promise<void> | null = null;
  const apply = async (step: EffectiveStep): Promise<void> => {
    const outcome = await applyStep(step, options);
    if (outcome === 'unavailable' || outcome === 'changed-meanwhile') unavailableCount += 1;
  };
  for (const step of planned(options)) {
    if (!isEffective(step)) continue;
    if (step.kind !== 'backend' || waiting.length === COMMANDS_IN_FLIGHT_MAX) await Promise.all(waiting.splice(0));
    if (step.kind === 'listener' || step.action === 'remove') await (findings ??= findFirst());
    const applied = apply(step);
    if (step.kind === 'backend') waiting.push(applied);
    else await applied;
  }
  await Promise.all(waiting);
  return unavailableCount;
}

/**
 * A file that would take away most of what this config owns is taken for one that was cut off: what it removes stays, and a person
 * is told how to remove it.
 */
function planned({ node, declared, origin, log }: TargetOptions): PlanStep[] {
  const roster = node.roster();
  const steps = planApply(roster, declared, { origin, takesOver: false });
  for (const line of leftAloneLines(steps)) log.warn({}, `config: ${line}`);
  const removed = massRemoval(roster, steps, origin);
  if (removed === null) return steps;
  const advice = 'nothing is removed; if the file is whole: muster apply -f FILE --allow-removals';
  log.error({ removed }, `config: the file would remove ${removed} that ${origin} owns: ${advice}`);
  return withoutRemovals(steps);
}

function leftAloneLines(steps: readonly PlanStep[]): string[] {
  return planLines(steps.filter(({ action }) => action === 'left-alone'))
    .filter((line) => line.startsWith('! '))
    .map((line) => line.slice(2).replace(/ {2,}/, ' is '));
}

type StepOutcome = CommandOutcome['outcome'] | 'changed-meanwhile';

async function applyStep(step: EffectiveStep, { node, origin, log }: TargetOptions): Promise<StepOutcome> {
  const outcome = await node.execute(step.command, origin);
  if (outcome.outcome === 'refused') {
    if (outcome.reason === 'changed-meanwhile' || outcome.reason === 'exists') return 'changed-meanwhile';
    log.error({ kind: step.kind, name: step.name }, `config: ${step.kind} ${step.name}: ${outcome.message}`);
  }
  return outcome.outcome;
}

/** More than a probe takes by default (2 s): what has not answered by then is left to the listener's empty set. */
const FIRST_FINDINGS_TIMEOUT_MS = 3_000;
const LOOK_INTERVAL_MS = 10;

/**
 * Waits for the first word of the probes, before a new listener is opened: a backend whose health is unknown gets no traffic, so a
 * listener that opened together with its backends would close the connections of its first milliseconds. Resolves when this node has
 * seen every backend that it watches, or after `FIRST_FINDINGS_TIMEOUT_MS`.
 */
async function firstFindings(node: NodeHandle): Promise<void> {
  const deadlineMs = performance.now() + FIRST_FINDINGS_TIMEOUT_MS;
  while (hasUnseenBackend(node) && performance.now() < deadlineMs) await sleep(LOOK_INTERVAL_MS);
}

function hasUnseenBackend(node: NodeHandle): boolean {
  const { node: id } = node.status();
  for (const { spec, backends } of node.roster().pools.values()) {
    if (spec.health === undefined) continue;
    for (const recorded of backends.values()) {
      const { mode, observations } = withPendingFacts(recorded, id, node.pending());
      if (mode.value !== 'maint' && observationBy(id, observations).health.value === 'unknown') return true;
    }
  }
  return false;
}
