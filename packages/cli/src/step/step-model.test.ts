/** The step screen as a function: keys move, search, jump and scroll; nothing piles up while it reads. */
import { expect, test } from 'vitest';
import type { Shown } from './step-card.ts';
import { initialStep, step, type StepInput, type Stepped, type StepState } from './step-model.ts';

const ABOUT = { source: 'a.muster', cluster: 'demo', node: 'lb-1', range: { fromRevision: 1, toRevision: 9 } };

function shownAt(revision: number, changesCount = 3): Shown {
  const changes = Array.from({ length: changesCount }, (_, index) => ({ text: `line ${index}` }));
  const card = { revision, timeMs: 0, changes, state: [], event: [], check: { text: 'checked' } };
  return { card, rows: [{ revision, text: 'an event' }] };
}

function inputs(state: StepState, ...list: readonly (StepInput | string)[]): Stepped {
  let stepped: Stepped = { state, effect: null };
  for (const input of list) {
    stepped = step(stepped.state, typeof input === 'string' ? { kind: 'key', key: input } : input);
  }
  return stepped;
}

/** Where it has shown event 5. */
function atFive(): StepState {
  return inputs(initialStep(ABOUT).state, { kind: 'shown', shown: shownAt(5, 30) }).state;
}

test('it begins with reading where it stands', () => {
  const { state, effect } = initialStep(ABOUT);
  expect(effect).toEqual({ kind: 'go', move: { kind: 'here' } });
  expect(state.isBusy).toBe(true);
  expect(inputs(state, { kind: 'shown', shown: null }).state).toMatchObject({
    isBusy: false,
    message: 'there are no events',
  });
});

test.each([
  ['right', { kind: 'by', count: 1 }],
  ['j', { kind: 'by', count: 1 }],
  ['up', { kind: 'by', count: -1 }],
  ['page-down', { kind: 'by', count: 10 }],
  ['g', { kind: 'first' }],
  ['G', { kind: 'last' }],
])('%s moves', (key, move) => {
  expect(inputs(atFive(), key)).toMatchObject({ state: { isBusy: true }, effect: { kind: 'go', move } });
});

test('a key that is held down makes no queue', () => {
  expect(inputs(atFive(), 'right', 'right').effect).toBeNull();
  const next = inputs(atFive(), 'right', 'right', { kind: 'shown', shown: shownAt(6) }, 'right');
  expect(next).toMatchObject({ state: { shown: { card: { revision: 6 } } }, effect: { kind: 'go' } });
});

test('where there is nothing, it stays and says so', () => {
  const { state } = inputs(atFive(), 'right', { kind: 'shown', shown: null });
  expect(state).toMatchObject({ shown: { card: { revision: 5 } }, isBusy: false });
  expect(state.message).toContain('nothing that way');
});

test('a search is typed, corrected, asked, and asked again in both directions', () => {
  const typed = inputs(atFive(), '/', 'd', 'r', 'x', 'backspace', 'a', 'q');
  expect(typed.state.prompt).toEqual({ kind: 'search', text: 'draq' });
  const asked = inputs(typed.state, 'backspace', 'enter');
  const search = { kind: 'search', text: 'dra' };
  expect(asked.effect).toEqual({ kind: 'go', move: { ...search, direction: 'forwards' } });
  const found = inputs(asked.state, { kind: 'shown', shown: shownAt(7) });
  expect(inputs(found.state, 'N').effect).toEqual({ kind: 'go', move: { ...search, direction: 'backwards' } });
  expect(inputs(found.state, '/', 'enter').effect).toEqual({ kind: 'go', move: { ...search, direction: 'forwards' } });
  expect(inputs(atFive(), 'n')).toMatchObject({
    effect: null,
    state: { message: expect.stringContaining('begin with /') as string },
  });
});

test('a jump is asked as it was typed, and what is refused is shown', () => {
  const { state, effect } = inputs(atFive(), ':', '-', '5', 'm', 'enter');
  expect(effect).toEqual({ kind: 'go', move: { kind: 'jump', text: '-5m' } });
  const refused = inputs(state, { kind: 'failed', message: 'there is no such moment' });
  expect(refused.state).toMatchObject({
    isBusy: false,
    message: 'there is no such moment',
    shown: { card: { revision: 5 } },
  });
});

test('a prompt takes what would be commands elsewhere, and escape leaves it', () => {
  const { state, effect } = inputs(atFive(), ':', 'q', 'escape');
  expect({ prompt: state.prompt, effect }).toEqual({ prompt: null, effect: null });
});

test('panes turn, scroll within what they have, and begin at the top', () => {
  const { state } = inputs(atFive(), 'd', 'd');
  expect(state.scroll).toBe(10);
  expect(inputs(state, ...Array.from({ length: 20 }, () => 'd')).state.scroll).toBe(29);
  expect(inputs(state, 'u', 'u', 'u').state.scroll).toBe(0);
  expect(inputs(state, 'tab').state).toMatchObject({ pane: 'state', scroll: 0 });
  expect(inputs(state, 'tab', 'tab', 'tab').state.pane).toBe('changes');
  expect(inputs(state, '3').state.pane).toBe('event');
});

test('help closes with any key, and q, escape and ctrl-c leave', () => {
  expect(inputs(atFive(), '?').state.isHelp).toBe(true);
  expect(inputs(atFive(), '?', 'x')).toMatchObject({ state: { isHelp: false }, effect: null });
  for (const keys of [['q'], ['escape'], ['ctrl-c'], ['/', 'ctrl-c'], ['?', 'q']]) {
    expect(inputs(atFive(), ...keys).effect).toEqual({ kind: 'quit' });
  }
});
