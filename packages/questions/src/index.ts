/**
 * Public entry: the questions about the past, each of which a node and an incident file answer alike. Nothing here loads what answers them
 * (`past.ts`), what describes them (`shapes.ts`), or the vocabulary of events.
 */
import { backendQuestion } from './backend.ts';
import { diffQuestion } from './diff.ts';
import { exportQuestion } from './export.ts';
import type { Question } from './question.ts';
import { requestQuestion } from './request.ts';
import { stateQuestion } from './state.ts';
import { whatIfQuestion } from './what-if.ts';

/** All that are answered with JSON. */
export const QUESTIONS: readonly Question<object, object>[] = [
  stateQuestion,
  diffQuestion,
  backendQuestion,
  requestQuestion,
  whatIfQuestion,
];

/** All of them as commands, in the order of their help. */
export const QUESTION_COMMANDS = [
  stateQuestion,
  diffQuestion,
  exportQuestion,
  backendQuestion,
  requestQuestion,
  whatIfQuestion,
] as const;

export { diffQuestion, stateQuestion };
export { entityName, fromToText, valueText } from './diff.ts';
export { exportQuestion };
export { exportIncident, type ExportQuery, type KeptIncident } from './export.ts';
export type { ArgumentWords, CommandWords, OptionWords, Question, Shapes, Typed, WordKind } from './question.ts';
