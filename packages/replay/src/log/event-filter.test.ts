/** Which events a filter lets through, and which filters are none. */
import { expect, test } from 'vitest';
import { eventFilter, parseEventFilter, type EventFilter } from './event-filter.ts';
import { eventsOf, START_MS } from '../../testing/past.ts';

const EVENTS = [
  ...eventsOf(
    ['node.lb-1', { type: 'NodeStarted' }, 'node:lb-1'],
    ['pool.p', { type: 'PoolDefined' }, 'config:lb-1'],
    ['pool.q', { type: 'PoolDefined' }, 'config:lb-2'],
    ['backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' }, 'cli:alice@host'],
    ['backend.q.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' }],
    ['health.lb-1.p.b-1', { type: 'BackendTurnedHealthy', target: '10.0.0.1:80', reason: 'r' }, 'node:lb-1'],
    ['listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'p' }, 'cli:bob@host'],
  ),
  { revision: 8, timeMs: START_MS + 8_000, id: 'x', subject: 'muster.demo.no.such', origin: null, payload: 'not JSON' },
];

test.each<[EventFilter, number[]]>([
  [{}, [1, 2, 3, 4, 5, 6, 7, 8]],
  [{ pool: 'p' }, [2, 4, 6]],
  [{ backend: 'b-1' }, [4, 5, 6]],
  [{ backend: 'p/b-1' }, [4, 6]],
  [{ pool: 'q', backend: 'p/b-1' }, []],
  [{ node: 'lb-1' }, [1, 6]],
  [{ listener: 'web' }, [7]],
  [{ type: 'PoolDefined' }, [2, 3]],
  [{ type: ['PoolDefined', 'NodeStarted'] }, [1, 2, 3]],
  [{ origin: 'cli:alice@host' }, [4]],
  [{ origin: 'cli:*' }, [4, 7]],
  [{ fromMs: START_MS + 3_000, toMs: START_MS + 5_000 }, [3, 4]],
  [{ pool: 'p', type: 'BackendTurnedHealthy', origin: 'node:*' }, [6]],
])('%j lets %j through', (filter, revisions) => {
  expect(EVENTS.filter(eventFilter(filter)).map(({ revision }) => revision)).toEqual(revisions);
});

test('a query string says the same', () => {
  expect(parseEventFilter({ type: 'PoolDefined,NodeStarted', fromMs: '5', pool: undefined })).toEqual({
    type: ['PoolDefined', 'NodeStarted'],
    fromMs: 5,
  });
});

test.each<[Record<string, string>, string]>([
  [{ pool: 'P' }, 'pool "P"'],
  [{ backend: 'a/b/c' }, 'backend "a/b/c"'],
  [{ type: 'PoolDefine' }, 'did you mean "PoolDefined"?'],
  [{ fromMs: 'yesterday' }, 'ms since 1970'],
  [{ fromMs: '5', toMs: '5' }, 'the end is not after the beginning'],
  [{ pol: 'p' }, 'did you mean "pool"?'],
])('%j is refused', (fields, words) => {
  expect(() => parseEventFilter(fields)).toThrow(words);
});
