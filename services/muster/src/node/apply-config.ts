/**
 * Brings the roster to what the node's own config declares, when the node starts: appends what differs, removes what
 * this config declared before and no longer does, and leaves alone what others published.
 */
import type { NodeHandle } from '@muster/actors';
import type { DeclaredRoster } from '../config/declared-roster.ts';
import { planApply } from '../config/plan-apply.ts';
import { isEffective } from '../config/plan-step.ts';
import type { Log } from '../log/log.ts';

export interface ApplyConfigOptions {
  readonly node: NodeHandle;
  readonly declared: DeclaredRoster;
  /** For example `config:lb-1`. */
  readonly origin: string;
  readonly log: Log;
}

/** A step that is refused is logged; the others go on, since each is about an entity of its own. */
export async function applyConfig({ node, declared, origin, log }: ApplyConfigOptions): Promise<void> {
  const steps = planApply(node.roster(), declared, origin);
  for (const step of steps) {
    if (step.action === 'left-alone') {
      log.warn({ kind: step.kind, name: step.name }, `config: ${step.kind} ${step.name} is left alone: ${step.why}`);
    }
    if (!isEffective(step)) continue;
    const outcome = await node.execute(step.command, origin);
    if (outcome.outcome === 'appended' || outcome.outcome === 'unchanged') continue;
    log.error({ kind: step.kind, name: step.name }, `config: ${step.kind} ${step.name}: ${outcome.message}`);
  }
}
