/**
 * A machine's state chart as Mermaid text, made from the machine itself: so the picture in the documentation is what runs.
 *
 *     stateDiagram-v2
 *       [*] --> probed
 *       probed --> abandoned : prober crashes [crashesTooOften] / giveUp
 *
 * Transitions carry their event, guard and actions by name. What a machine does while it is in a state stands beside it.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { MACHINE_KINDS, type MachineKind } from './inspection-line.ts';
import { MACHINES } from './machine-rehearsal.ts';

export interface StateChart {
  readonly kind: MachineKind;
  /** Mermaid's `stateDiagram-v2`. */
  readonly text: string;
}

/** Of all machines of a node. */
export function stateCharts(): StateChart[] {
  return MACHINE_KINDS.map((kind) => ({ kind, text: stateChart(MACHINES[kind]) }));
}

function stateChart({ root }: AnyStateMachine): string {
  return ['stateDiagram-v2', ...bodyLines(root, '  '), ...crossingWays(root)].join('\n');
}

/** What is inside a state, or the machine: its states, then the ways between them. */
function bodyLines(node: AnyStateNode, indent: string): string[] {
  const children = Object.values(node.states);
  const initial = node.initial.target[0];
  return [
    ...children.flatMap((child) => stateLines(child, indent)),
    ...(initial === undefined ? [] : [`${indent}[*] --> ${nameOf(initial)}`]),
    ...(node.parent === undefined ? rootWays(node, indent) : []),
    ...children.flatMap((child) => waysFrom(child, indent)),
  ];
}

function stateLines(node: AnyStateNode, indent: string): string[] {
  const name = nameOf(node);
  const inner = isNested(node) ? bodyLines(node, `${indent}  `) : [];
  const label = node.key === name ? [] : [`${indent}state "${node.key}" as ${name}`];
  const nested = inner.length === 0 ? [] : [`${indent}state ${name} {`, ...inner, `${indent}}`];
  const runs = runsIn(node);
  const note = runs.length === 0 ? [] : [`${indent}note right of ${name} : runs ${runs.join(', ')}`];
  return [...label, ...nested, ...note];
}

/** Names of the actors that it runs; all machines here name theirs. */
function runsIn({ invoke }: AnyStateNode): string[] {
  return invoke.map(({ src }) => (typeof src === 'string' ? src : 'an actor without a name'));
}

function isNested(node: AnyStateNode): boolean {
  return Object.keys(node.states).length > 0;
}

/** Those that stay within the state's own parent; Mermaid would put the others' targets in there, too. */
function waysFrom(node: AnyStateNode, indent: string): string[] {
  const ways = transitionsOf(node)
    .filter(({ to }) => to.parent === node.parent)
    .map((way) => `${indent}${wayText(node, way)}`);
  return node.type === 'final' ? [...ways, `${indent}${nameOf(node)} --> [*]`] : ways;
}

/** Those that lead out of a state or into one. */
function crossingWays(node: AnyStateNode): string[] {
  return Object.values(node.states).flatMap((child) => {
    const ways = transitionsOf(child).filter(({ to }) => to.parent !== child.parent);
    return [...ways.map((way) => `  ${wayText(child, way)}`), ...crossingWays(child)];
  });
}

function wayText(from: AnyStateNode, { to, label }: Way): string {
  return `${nameOf(from)} --> ${nameOf(to)} : ${label}`;
}

/** What the machine as a whole takes, whatever state it is in, stands as a note: Mermaid has no arrow from everywhere. */
function rootWays(root: AnyStateNode, indent: string): string[] {
  const runs = runsIn(root);
  const ways = transitionsOf(root).map(({ to, label }) => `${label} → ${to === root ? 'stays' : nameOf(to)}`);
  const lines = [...(runs.length === 0 ? [] : [`runs ${runs.join(', ')}`]), ...ways];
  if (lines.length === 0) return [];
  const first = Object.values(root.states)[0]!;
  return [
    `${indent}note left of ${nameOf(first)}`,
    `${indent}  in every state`,
    ...lines.map((line) => `${indent}  ${line}`),
    `${indent}end note`,
  ];
}

interface Way {
  readonly to: AnyStateNode;
  readonly label: string;
}

function transitionsOf(node: AnyStateNode): Way[] {
  return [...node.transitions.values()].flat().map(({ target, eventType, guard, actions }) => {
    const condition = guard === undefined ? '' : ` [${nameOfImplementation(guard)}]`;
    const effects = actions.map(nameOfImplementation).filter((name) => name !== '');
    const does = effects.length === 0 ? '' : ` / ${effects.join(', ')}`;
    return { to: target?.[0] ?? node, label: `${eventText(eventType)}${condition}${does}` };
  });
}

/** `xstate.after.restart.backend.recovering`: `after restart`; those of children by what became of them. */
function eventText(eventType: string): string {
  const [prefix, what, ...rest] = eventType.split('.');
  if (prefix !== 'xstate') return eventType === '' ? 'always' : eventType;
  if (what === 'after') return `after ${rest[0]}`;
  const child = childText(rest.slice(1).join('.'));
  return what === 'error' ? `${child} fails` : `${child} is done`;
}

/** The id of an invoked actor; where the machine gave it none, XState numbered it by its state. */
function childText(id: string): string {
  return /^\d+\./.test(id) ? 'what it runs' : id;
}

/** Assignments have no name of their own, and only keep what the event said. */
function nameOfImplementation(implementation: unknown): string {
  if (typeof implementation === 'string') return implementation;
  if (typeof implementation !== 'object' || implementation === null) return '';
  const { type } = implementation as { type?: unknown };
  return typeof type === 'string' && !type.startsWith('xstate.') ? type : '';
}

/** Mermaid takes no dots and hyphens in names. */
function nameOf(node: AnyStateNode): string {
  return node.path.length === 0 ? node.key : node.path.join('_').replaceAll('-', '_');
}
