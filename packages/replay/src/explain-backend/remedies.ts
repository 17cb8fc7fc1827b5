/**
 * What would bring a backend back, in words, worked out from the policies that were in force. Pure.
 *
 * One sentence for each axis that keeps it out: all of them have to come true.
 */
import { ejectionPolicyOf, fastIntervalMs, type Backend, type Pool, type Viewpoint } from '@muster/membership';
import type { AxisState, Vote } from './axes.ts';

export interface RemedyQuestion {
  readonly pool: Pool;
  readonly backend: Backend;
  readonly viewpoint: Viewpoint;
  readonly votes: readonly Vote[];
  /** Probes that passed in a row since it turned unhealthy, as far as is known. */
  readonly passedCount: number;
}

export function remedies(axes: readonly AxisState[], question: RemedyQuestion): string[] {
  return axes.filter(({ isKeepingOut }) => isKeepingOut).map((axis) => remedyOf(axis, question));
}

function remedyOf(axis: AxisState, question: RemedyQuestion): string {
  switch (axis.axis) {
    case 'mode':
      return modeRemedy(question);
    case 'health':
      return healthRemedy(axis, question);
    case 'ejection':
      return ejectionRemedy(axis, question);
  }
}

function modeRemedy({ pool, backend }: RemedyQuestion): string {
  const command = `\`muster backend ready ${pool.id} ${backend.id}\``;
  const { mode, leaseMs, origin } = backend;
  const isOwnDrain = mode.value === 'drain' && mode.origin !== null && mode.origin === origin && leaseMs !== null;
  return isOwnDrain ? `${command}, or ${origin}, who drained it, registers it again` : command;
}

function healthRemedy({ value }: AxisState, question: RemedyQuestion): string {
  const { pool, viewpoint, votes } = question;
  const policy = pool.spec.health!;
  const where = `on node ${viewpoint.node}`;
  const isVoted = pool.spec.healthView === 'quorum';
  if (value === 'unknown') return `one passed probe ${where}: the first probe of a target decides alone`;
  const probes = `${policy.rise} passed probes in a row (rise) ${where}, one every ${fastIntervalMs(policy)} ms while they pass`;
  if (!isVoted) return `${probes}${soFar(question)}`;
  const counted = votes.filter(({ isCounted }) => isCounted);
  const neededCount = Math.floor(counted.length / 2) + 1;
  const againstCount = counted.filter(({ health }) => health.value === 'unhealthy').length;
  if (againstCount < neededCount) return `${probes}, as no majority has formed${soFar(question)}`;
  const changingCount = againstCount - neededCount + 1;
  const nodes = changingCount === 1 ? 'one of them' : `${changingCount} of them`;
  return `fewer than ${neededCount} of ${counted.length} nodes that call it unhealthy (now ${againstCount}): ${nodes} with ${policy.rise} passed probes in a row (rise), while node ${viewpoint.node} calls it healthy, or ${neededCount} that call it healthy`;
}

function soFar({ passedCount, pool }: RemedyQuestion): string {
  return passedCount === 0 ? '' : `; ${passedCount} of ${pool.spec.health!.rise} had passed by then`;
}

/** As the event itself says how long it is; kept in its words since the number of earlier ejections is on no roster. */
const TERM_PATTERN = /; out for (\d+(?:\.\d+)?) s$/;

/** When an ejection ends by itself, ms since 1970, as far as its event said so; null where it did not. */
export function ejectionEndMs({ reason, timeMs }: Pick<AxisState, 'reason' | 'timeMs'>): number | null {
  const term = reason === null ? null : TERM_PATTERN.exec(reason);
  return term === null ? null : timeMs + Number(term[1]) * 1_000;
}

function ejectionRemedy(axis: AxisState, { pool, viewpoint }: RemedyQuestion): string {
  const policy = ejectionPolicyOf(pool.spec);
  const probed =
    pool.spec.health === undefined ? '' : `, or sooner when node ${viewpoint.node}'s probes turn it healthy`;
  const endMs = ejectionEndMs(axis);
  if (endMs !== null) return `its ejection ends at ${new Date(endMs).toISOString()}${probed}`;
  if (policy === null) return 'its ejection ends at once: the pool ejects nobody any more';
  const [soonest, latest] = [policy.baseMs, policy.maxMs].map((ms) => new Date(axis.timeMs + ms).toISOString());
  return `its ejection ends between ${soonest} and ${latest}, by how often it was ejected before${probed}`;
}
