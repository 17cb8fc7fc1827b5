/** The step screen drawn: it fills any terminal exactly, wide or narrow, whatever stands in an event. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitted, textWidth, wrapped } from './fitted-text.ts';
import { readKeys } from './step-keys.ts';
import { initialStep, PANES, step, type StepState } from './step-model.ts';
import { screenLines } from './step-screen.ts';

const ABOUT = { source: 'a.muster', cluster: 'demo', node: 'lb-1', range: { fromRevision: 1, toRevision: 9 } };

function shownState(texts: readonly string[]): StepState {
  const rows = Array.from({ length: 9 }, (_, index) => ({ revision: index + 1, text: texts[index % texts.length]! }));
  const lines = texts.map((text) => ({ text }));
  const check = { text: 'checked: hash 9f86d081884c7d65' };
  const card = { revision: 5, timeMs: 0, changes: lines, state: lines, event: lines, check };
  return step(initialStep(ABOUT).state, { kind: 'shown', shown: { card, rows } }).state;
}

test('side by side on a wide terminal', () => {
  expect(screenLines(shownState(['backend p/a  drained']), { columns: 100, rows: 9 })).toEqual([
    ' a.muster · cluster demo as node lb-1 saw it                                               5 of 1–9 ',
    '├─────────────────────────────────────────────────●────────────────────────────────────────────────┤',
    ' 3 backend p/a  drained                           │ [1 changes]  2 state   3 event                  ',
    ' 4 backend p/a  drained                           │ backend p/a  drained                            ',
    '▶5 backend p/a  drained                           │                                                 ',
    ' 6 backend p/a  drained                           │                                                 ',
    ' 7 backend p/a  drained                           │                                                 ',
    ' checked: hash 9f86d081884c7d65                                                                     ',
    ' → next  ← back  / search  n N again  : jump  tab pane  ? help  q quit                              ',
  ]);
});

test('one above the other on a narrow one, with a prompt', () => {
  const prompted: StepState = { ...shownState(['backend p/a  drained']), prompt: { kind: 'search', text: 'drain' } };
  expect(screenLines(prompted, { columns: 30, rows: 11 })).toEqual([
    ' a.muster · cluster… 5 of 1–9 ',
    '├──────────────●─────────────┤',
    ' 4 backend p/a  drained       ',
    '▶5 backend p/a  drained       ',
    '──────────────────────────────',
    '[1 changes]  2 state   3 even…',
    'backend p/a  drained          ',
    '                              ',
    '                              ',
    ' checked: hash 9f86d081884c7d…',
    ' search: drain▏               ',
  ]);
});

test('any state fills any terminal exactly', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.constantFrom('漢字漢字漢字', 'é́', '🚦 drained'),
  );
  const printableTexts = fc.array(
    text.map((each) => each.replaceAll(/\p{C}/gu, '')),
    { minLength: 1, maxLength: 40 },
  );
  const view = fc.record({ pane: fc.constantFrom(...PANES), isHelp: fc.boolean() });
  const size = fc.record({ columns: fc.integer({ min: 24, max: 160 }), rows: fc.integer({ min: 8, max: 50 }) });
  fc.assert(
    fc.property(printableTexts, size, view, (texts, at, seen) => {
      const lines = screenLines({ ...shownState(texts), ...seen, scroll: 2 }, at);
      expect(lines).toHaveLength(at.rows);
      expect(lines.map(textWidth)).toEqual(lines.map(() => at.columns));
    }),
    { numRuns: 300 },
  );
});

test('texts are cut, filled and wrapped by what they take on a terminal', () => {
  expect(fitted('漢字漢字', 5)).toBe('漢字…');
  expect(fitted('漢字漢字', 6)).toBe('漢字… ');
  expect(fitted('ab', 4)).toBe('ab  ');
  expect(wrapped('  mode ready to drain', 12)).toEqual(['  mode ready', '    to drain']);
  expect(wrapped('abcdefghij', 4).join('').replaceAll(' ', '')).toBe('abcdefghij');
});

test('keys come out of what terminals send', () => {
  expect(readKeys('\u001b[A\u001bOBq\r\u007f\t\u001b[5~')).toEqual([
    'up',
    'down',
    'q',
    'enter',
    'backspace',
    'tab',
    'page-up',
  ]);
  expect(readKeys('é漢\u001b')).toEqual(['é', '漢', 'escape']);
  expect(readKeys('\u001b[200~\u0001x')).toEqual(['x']);
  expect(readKeys('\u0003')).toEqual(['ctrl-c']);
});
