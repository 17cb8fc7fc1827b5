/**
 * A machine as a state chart, in Mermaid's words, drawn from its definition: states and what is in them, transitions with
 * their guards, delays by their names, and the actors that run while a state lasts.
 *
 * Mermaid cannot draw an arrow from a state into itself: what a state with others in it does with an event while it stays is
 * drawn at each of those. Actions are left out, save where they are all that a state is or an event does; the code is a better place to
 * read them.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** The lines of a `stateDiagram-v2`. */
export function stateChart(machine: AnyStateMachine): string[] {
  const { root } = machine;
  return ['stateDiagram-v2', ...statesIn(root, '  '), ...arrowsFrom(root, machine).map((arrow) => `  ${arrow}`)];
}

/** The lines inside a state: where it begins, and its states, each with the lines inside it. */
function statesIn(parent: AnyStateNode, indent: string): string[] {
  const lines = initialArrows(parent, indent);
  for (const state of Object.values(parent.states)) {
    lines.push(...titled(state, indent));
    if (state.type === 'compound') lines.push(...statesIn(state, `${indent}  `), `${indent}}`);
    if (state.type === 'final') lines.push(`${indent}${nameOf(state)} --> [*]`);
  }
  return lines;
}

/** States that are side by side are all entered at the start. */
function initialArrows(parent: AnyStateNode, indent: string): string[] {
  const begun = parent.type === 'parallel' ? Object.values(parent.states) : parent.initial.target;
  return (begun ?? []).map((state) => `${indent}[*] --> ${nameOf(state)}`);
}

function titled(state: AnyStateNode, indent: string): string[] {
  const runs = state.invoke.map(({ src }) => src as string).join(', ');
  const does = state.type === 'atomic' && runs === '' ? state.entry.map(actionName).filter(isOwn).join(', ') : '';
  const words = runs === '' ? (does === '' ? '' : ` (does ${does})`) : ` (runs ${runs})`;
  const title = `${indent}state "${state.key}${words}" as ${nameOf(state)}`;
  return [state.type === 'compound' ? `${title} {` : title];
}

function actionName(action: AnyStateNode['entry'][number]): string {
  return typeof action === 'string' ? action : String((action as { readonly type?: string }).type);
}

/** Whether an action is the machine's own; XState's begin with its name. */
function isOwn(action: string): boolean {
  return !action.startsWith('xstate.');
}

/** All arrows that begin at a state or below. */
function arrowsFrom(state: AnyStateNode, machine: AnyStateMachine): string[] {
  const always = state.always ?? [];
  const own = [...always, ...state.transitions.values()]
    .flat()
    .flatMap((transition) => arrowsOf(state, transition, machine));
  return [...own, ...Object.values(state.states).flatMap((inner) => arrowsFrom(inner, machine))];
}

function arrowsOf(state: AnyStateNode, transition: AnyTransitionDefinition, machine: AnyStateMachine): string[] {
  // Taken so that no state around takes it.
  if (transition.target === undefined && transition.actions.length === 0) return [];
  const target = transition.target?.[0];
  const words = wordsOf(transition, machine);
  const isInside = target === undefined || target === state || isWithin(target, state);
  const sources = isInside && state.type === 'compound' ? Object.values(state.states) : [state];
  return sources
    .filter((source) => source.type !== 'final' && (source === state || !takesItself(source, transition)))
    .map((source) => `${nameOf(source)} --> ${nameOf(target ?? source)}: ${words}`);
}

/** Whether a state takes the event whatever its guards say, so that the state around never sees it there. */
function takesItself(state: AnyStateNode, { eventType }: AnyTransitionDefinition): boolean {
  return (state.transitions.get(eventType) ?? []).some(({ guard }) => guard === undefined);
}

function isWithin(state: AnyStateNode, outer: AnyStateNode): boolean {
  return state.parent === outer || (state.parent !== undefined && isWithin(state.parent, outer));
}

/** `opened`, `drain [isSooner]`, `at once [isWatched]`, `after restart`, `prober failed [crashesTooOften]`. */
function wordsOf({ eventType, guard, source }: AnyTransitionDefinition, machine: AnyStateMachine): string {
  const words = eventWords(eventType, source, machine);
  return guard === undefined ? words : `${words} [${guardName(guard)}]`;
}

function guardName(guard: unknown): string {
  return typeof guard === 'string' ? guard : String((guard as { readonly type?: string }).type);
}

function eventWords(eventType: string, source: AnyStateNode, { implementations }: AnyStateMachine): string {
  if (eventType === '') return 'at once';
  const delay = /^xstate\.after\.([^.]+)\./.exec(eventType)?.[1];
  if (delay !== undefined) {
    const length = (implementations.delays as Record<string, unknown>)[delay];
    return typeof length === 'number' ? `after ${delay} (${length} ms)` : `after ${delay}`;
  }
  const [, ending, child] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(eventType) ?? [];
  if (child === undefined) return eventType;
  const runs = source.invoke.find(({ id }) => id === child)?.src;
  return `${(runs as string | undefined) ?? child} ${ending === 'done' ? 'is done' : 'failed'}`;
}

/** A word that Mermaid takes as a state's name, unique in the chart. */
function nameOf(state: AnyStateNode): string {
  return state.path.join('_').replaceAll('-', '_');
}
