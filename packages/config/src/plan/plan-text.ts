/**
 * A plan as people read it: one line a step, what is unchanged only counted.
 *
 *     + backend spells/spells-3   target 127.0.0.1:8003, weight 1
 *     ~ pool spells               connectTimeoutMs 5000 → 400
 *     ~ listener web              routes + api.example.com/v2 → api, - /old → web
 *     - listener old
 *     ~ pool api                  taken over from cli:bob@host
 *     ! backend spells/spells-9   left alone: it differs from the file, by cli:alice@host: weight is 2, the file says 1
 *     = 4 unchanged
 */
import type { Route } from '@muster/membership';
import { routeText } from '@muster/questions/text';
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
  if (step.action === 'remove') return '';
  if (step.action === 'left-alone')
    return `left alone: ${step.why}${step.canBeTaken ? `: ${differing(step.changes)}` : ''}`;
  const changes = step.changes.map((change) => describeChange(change, step.action)).join(', ');
  if (step.takenFrom === undefined) return changes;
  const taken = `taken over from ${step.takenFrom ?? 'a publisher that gave no name'}`;
  return changes === '' ? taken : `${changes}; ${taken}`;
}

function describeChange({ field, from, to }: FieldChange, action: PlanStep['action']): string {
  if (isRoutes(field, to) && (from === undefined || isRoutes(field, from)))
    return `${field} ${routeChanges(from ?? [], to)}`;
  return action === 'add' ? `${field} ${showValue(to)}` : `${field} ${showValue(from)} → ${showValue(to)}`;
}

/** `weight is 2, the file says 1` */
function differing(changes: readonly FieldChange[]): string {
  return changes
    .map(({ field, from, to }) =>
      isRoutes(field, to) && isRoutes(field, from)
        ? `${field} ${routeChanges(from, to)} in the file`
        : `${field} is ${showValue(from)}, the file says ${showValue(to)}`,
    )
    .join('; ');
}

function isRoutes(field: string, value: unknown): value is readonly Route[] {
  return field === 'routes' && Array.isArray(value);
}

/** What came and what went; of hundreds of routes a change seldom concerns more than a few. */
function routeChanges(from: readonly Route[], to: readonly Route[]): string {
  const [before, after] = [from.map(routeText), to.map(routeText)];
  const added = after.filter((text) => !before.includes(text)).map((text) => `+ ${text}`);
  const removed = before.filter((text) => !after.includes(text)).map((text) => `- ${text}`);
  return [...added, ...removed].join(', ') || 'in another order';
}

/** `not set` where there is none. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'not set';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
