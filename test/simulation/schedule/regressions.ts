/**
 * Schedules that once failed, as short as they were made, each with the defect that it found. The schedules themselves are kept and
 * not only their seeds, since what a seed means changes whenever something is added to what may happen.
 */
import { POOL_SPECS } from './declared.ts';
import type { Schedule } from './schedule.ts';

export interface Regression {
  /** The defect, and what came of it. */
  readonly found: string;
  /** Its seed is where its chance comes from. */
  readonly schedule: Schedule;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    found:
      'a fact found while the journal was another history was never appended when the served one was put back: nobody was told ' +
      'that appends may be tried again (journal-contact.ts)',
    schedule: {
      seed: 200,
      nodes: 1,
      workers: 1,
      steps: [
        {
          action: { kind: 'target', target: '10.0.1.11:80', state: 'refusing', dialMs: 0, answerMs: 0, isReset: false },
          thenMs: 0,
        },
        { action: { kind: 'journal', what: 'made-again', isDeclared: false }, thenMs: 2000 },
        { action: { kind: 'journal', what: 'put-back', isDeclared: false }, thenMs: 0 },
      ],
    },
  },
  {
    found:
      'a fact acknowledged by another history before the follower noticed it was dropped as "folded already": the node went back to ' +
      'what was recorded before, and carried that into the new history (fact-writer.ts)',
    schedule: {
      seed: 80,
      nodes: 3,
      workers: 1,
      steps: [
        { action: { kind: 'wait' }, thenMs: 4800 },
        {
          action: { kind: 'target', target: '10.0.0.11:80', state: 'silent', dialMs: 0, answerMs: 0, isReset: false },
          thenMs: 3600,
        },
        {
          action: { kind: 'target', target: '10.0.1.11:80', state: 'refusing', dialMs: 0, answerMs: 0, isReset: false },
          thenMs: 800,
        },
        {
          action: {
            kind: 'target',
            target: '10.0.1.11:80',
            state: 'answering',
            dialMs: 0,
            answerMs: 0,
            isReset: false,
          },
          thenMs: 1500,
        },
        {
          action: { kind: 'target', target: '10.0.1.11:80', state: 'refusing', dialMs: 0, answerMs: 0, isReset: false },
          thenMs: 500,
        },
        {
          action: { kind: 'path', node: 'lb-3', state: 'whole', answers: 'given', appendMs: 0, followMs: 700 },
          thenMs: 1200,
        },
        {
          action: {
            kind: 'target',
            target: '10.0.1.11:80',
            state: 'answering',
            dialMs: 0,
            answerMs: 0,
            isReset: false,
          },
          thenMs: 1000,
        },
        { action: { kind: 'journal', what: 'made-again', isDeclared: true }, thenMs: 0 },
      ],
    },
  },
  {
    found:
      'an acknowledgement that ended an outage had newer facts judged before the acknowledged one was expected: what a node had just ' +
      'found was dropped as recorded already, and the older fact was folded after it (fact-writer.ts)',
    schedule: {
      seed: 216,
      nodes: 1,
      workers: 1,
      steps: [
        {
          action: { kind: 'path', node: 'lb-1', state: 'whole', answers: 'lost', appendMs: 0, followMs: 0 },
          thenMs: 0,
        },
        {
          action: {
            kind: 'command',
            node: 'lb-1',
            command: { type: 'RegisterBackend', pool: 'api', backend: 'b-3', target: '10.0.1.21:80' },
          },
          thenMs: 500,
        },
        {
          action: { kind: 'path', node: 'lb-1', state: 'whole', answers: 'given', appendMs: 1400, followMs: 700 },
          thenMs: 0,
        },
        {
          action: { kind: 'target', target: '10.0.0.11:80', state: 'refusing', dialMs: 0, answerMs: 0, isReset: false },
          thenMs: 500,
        },
        {
          action: {
            kind: 'target',
            target: '10.0.0.11:80',
            state: 'answering',
            dialMs: 0,
            answerMs: 0,
            isReset: false,
          },
          thenMs: 1300,
        },
      ],
    },
  },
  {
    found:
      'a listener that another history defines otherwise, by an event of the same revision, stayed as it was in the workers: what they ' +
      'were told was compared by its revision alone (worker-link.ts)',
    schedule: {
      seed: 530,
      nodes: 2,
      workers: 1,
      steps: [
        { action: { kind: 'journal', what: 'gone', isDeclared: false }, thenMs: 0 },
        { action: { kind: 'crash', node: 'lb-2', what: 'disk' }, thenMs: 0 },
        { action: { kind: 'start', node: 'lb-2' }, thenMs: 0 },
        { action: { kind: 'journal', what: 'made-poor', isDeclared: false }, thenMs: 0 },
        { action: { kind: 'member', pool: 'raw', target: '10.1.2.1:80', isSpeaking: true }, thenMs: 0 },
        {
          action: {
            kind: 'publish',
            entity: 'pool.web',
            event: { type: 'PoolDefined', ...POOL_SPECS.web[0]! },
            times: 1,
          },
          thenMs: 0,
        },
        {
          action: {
            kind: 'publish',
            entity: 'backend.web.b-3',
            event: { type: 'BackendRegistered', target: '10.0.0.21:80' },
            times: 1,
          },
          thenMs: 400,
        },
        {
          action: {
            kind: 'publish',
            entity: 'listener.web',
            event: { type: 'ListenerDefined', bind: '127.0.0.1:8080', protocol: 'http', pool: 'api' },
            times: 1,
          },
          thenMs: 0,
        },
      ],
    },
  },
];
