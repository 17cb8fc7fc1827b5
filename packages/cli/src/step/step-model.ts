/**
 * The step screen as a function: a state and an input give the next state, and what is to be done for it. Pure: it draws nothing,
 * reads nothing and waits for nothing.
 *
 * While something is being read (`isBusy`), further keys that would read are passed over, so that a key that is held down never
 * makes a queue.
 */
import type { Shown } from './step-card.ts';
import type { Move, StepRange } from './step-reader.ts';

export const PANES = ['changes', 'state', 'event'] as const;
type Pane = (typeof PANES)[number];

export interface StepState {
  /** For example `incident.muster`. */
  readonly source: string;
  readonly cluster: string;
  readonly node: string;
  readonly range: StepRange;
  /** Null until the first card is there, and where the log is empty. */
  readonly shown: Shown | null;
  readonly pane: Pane;
  /** Lines of the pane above its first visible one. */
  readonly scroll: number;
  readonly prompt: { readonly kind: 'search' | 'jump'; readonly text: string } | null;
  /** What was searched for last. */
  readonly search: string | null;
  readonly message: string | null;
  readonly isHelp: boolean;
  readonly isBusy: boolean;
}

export type StepInput =
  /** A character, or a name as `readKeys` gives it. */
  | { readonly kind: 'key'; readonly key: string }
  /** What was asked for; null: there is nothing that way. */
  | { readonly kind: 'shown'; readonly shown: Shown | null }
  | { readonly kind: 'failed'; readonly message: string };

export type StepEffect = { readonly kind: 'go'; readonly move: Move } | { readonly kind: 'quit' };

export interface Stepped {
  readonly state: StepState;
  readonly effect: StepEffect | null;
}

const PAGE_EVENTS = 10;
const SCROLL_LINES = 5;
const PROMPT_CHARACTERS_MAX = 200;

export function initialStep(about: Pick<StepState, 'source' | 'cluster' | 'node' | 'range'>): Stepped {
  const state: StepState = {
    ...about,
    shown: null,
    pane: 'changes',
    scroll: 0,
    prompt: null,
    search: null,
    message: null,
    isHelp: false,
    isBusy: true,
  };
  return { state, effect: { kind: 'go', move: { kind: 'here' } } };
}

export function step(state: StepState, input: StepInput): Stepped {
  switch (input.kind) {
    case 'shown':
      return arrived(state, input.shown);
    case 'failed':
      return stay({ ...state, isBusy: false, message: input.message });
    case 'key':
      if (input.key === 'ctrl-c') return { state, effect: { kind: 'quit' } };
      return state.prompt === null ? command(state, input.key) : typed(state, state.prompt, input.key);
  }
}

function arrived(state: StepState, shown: Shown | null): Stepped {
  if (shown !== null) return stay({ ...state, shown, scroll: 0, isBusy: false, message: null });
  const message = state.shown === null ? 'there are no events' : 'there is nothing that way (n searches on, N back)';
  return stay({ ...state, isBusy: false, message });
}

function stay(state: StepState): Stepped {
  return { state, effect: null };
}

function go(state: StepState, move: Move): Stepped {
  if (state.isBusy) return stay(state);
  return { state: { ...state, isBusy: true, message: null }, effect: { kind: 'go', move } };
}

const MOVES: Readonly<Record<string, Move>> = {
  right: { kind: 'by', count: 1 },
  down: { kind: 'by', count: 1 },
  ' ': { kind: 'by', count: 1 },
  j: { kind: 'by', count: 1 },
  l: { kind: 'by', count: 1 },
  left: { kind: 'by', count: -1 },
  up: { kind: 'by', count: -1 },
  k: { kind: 'by', count: -1 },
  h: { kind: 'by', count: -1 },
  'page-down': { kind: 'by', count: PAGE_EVENTS },
  'page-up': { kind: 'by', count: -PAGE_EVENTS },
  home: { kind: 'first' },
  g: { kind: 'first' },
  end: { kind: 'last' },
  G: { kind: 'last' },
};

function command(state: StepState, key: string): Stepped {
  if (state.isHelp) return key === 'q' ? { state, effect: { kind: 'quit' } } : stay({ ...state, isHelp: false });
  const move = MOVES[key];
  if (move !== undefined) return go(state, move);
  switch (key) {
    case 'q':
    case 'escape':
      return { state, effect: { kind: 'quit' } };
    case '/':
      return stay({ ...state, message: null, prompt: { kind: 'search', text: '' } });
    case ':':
      return stay({ ...state, message: null, prompt: { kind: 'jump', text: '' } });
    case 'n':
      return searchAgain(state, 'forwards');
    case 'N':
      return searchAgain(state, 'backwards');
    case '?':
      return stay({ ...state, isHelp: true });
    case 'd':
      return stay({ ...state, scroll: Math.min(state.scroll + SCROLL_LINES, lastScroll(state)) });
    case 'u':
      return stay({ ...state, scroll: Math.max(0, state.scroll - SCROLL_LINES) });
    case 'tab':
      return stay({ ...state, pane: PANES[(PANES.indexOf(state.pane) + 1) % PANES.length]!, scroll: 0 });
    case '1':
    case '2':
    case '3':
      return stay({ ...state, pane: PANES[Number(key) - 1]!, scroll: 0 });
    default:
      return stay(state);
  }
}

/** At least the last line stays to be seen. */
function lastScroll({ shown, pane }: StepState): number {
  return shown === null ? 0 : Math.max(0, shown.card[pane].length - 1);
}

function searchAgain(state: StepState, direction: 'forwards' | 'backwards'): Stepped {
  if (state.search === null) return stay({ ...state, message: 'nothing was searched for yet: begin with /' });
  return go(state, { kind: 'search', text: state.search, direction });
}

function typed(state: StepState, prompt: NonNullable<StepState['prompt']>, key: string): Stepped {
  const { kind, text } = prompt;
  if (key === 'escape') return stay({ ...state, prompt: null });
  if (key === 'enter') return asked({ ...state, prompt: null }, { kind, text: text.trim() });
  if (key === 'backspace') {
    return stay({ ...state, prompt: text === '' ? null : { kind, text: Array.from(text).slice(0, -1).join('') } });
  }
  const isText = Array.from(key).length === 1;
  if (!isText || text.length >= PROMPT_CHARACTERS_MAX) return stay(state);
  return stay({ ...state, prompt: { kind, text: text + key } });
}

/** An empty search is the last one again. */
function asked(state: StepState, { kind, text }: NonNullable<StepState['prompt']>): Stepped {
  if (kind === 'search') return searchAgain(text === '' ? state : { ...state, search: text }, 'forwards');
  return text === '' ? stay(state) : go(state, { kind: 'jump', text });
}
