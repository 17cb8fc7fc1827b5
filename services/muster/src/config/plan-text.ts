/**
 * A plan as people read it: one line a step, what is unchanged only counted.
 *
 *     + backend spells/spells-3   target 127.0.0.1:8003, weight 1
 *     ~ pool spells               connectTimeoutMs 5000 → 400
 *     - listener old
 *     ! backend spells/spells-9   left alone: owned by cli:alice@host
 *     = 4 unchanged
 */
import type { FieldChange, PlanStep } from './plan-step.ts';

const MARKS = { add: '+', change: '~', remove: '-', 'left-alone': '!' } as const;

export function planLines(steps: readonly PlanStep[]): string[] {
  const shown = steps.filter((step) => step.action !== 'unchanged');
  const unchangedCount = steps.length - shown.length;
  const names = shown.map(({ kind, name }) => `${kind} ${name}`);
  const width = Math.max(0, ...names.map((name) => name.length));
  const lines = shown.map((step, index) => {
    return `${MARKS[step.action]} ${names[index]!.padEnd(width)}   ${detail(step)}`.trimEnd();
  });
  return unchangedCount > 0 || lines.length === 0 ? [...lines, `= ${unchangedCount} unchanged`] : lines;
}

function detail(step: Exclude<PlanStep, { action: 'unchanged' }>): string {
  if (step.action === 'left-alone') return `left alone: ${step.why}`;
  if (step.action === 'remove') return '';
  return step.changes.map((change) => describeChange(change, step.action)).join(', ');
}

function describeChange({ field, from, to }: FieldChange, action: 'add' | 'change' | 'remove'): string {
  return action === 'add' ? `${field} ${show(to)}` : `${field} ${show(from)} → ${show(to)}`;
}

function show(value: unknown): string {
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
