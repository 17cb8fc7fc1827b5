/** Which events a filter takes, and what it refuses to be asked. */
import { expect, test } from 'vitest';
import { eventFilter, parseEventFilter, type EventFilter } from './event-filter.ts';
import { eventsOf, START_MS } from './past.test-support.ts';

const EVENTS = eventsOf(
  ['pool.p', { type: 'PoolDefined' }, 'config:lb-1'],
  ['backend.p.b-1', { type: 'BackendRegistered', target: 'a:1' }, 'cli:alice'],
  ['health.lb-2.p.b-1', { type: 'BackendTurnedHealthy', target: 'a:1', reason: 'ok' }],
  ['backend.q.b-1', { type: 'BackendRegistered', target: 'a:1' }],
  ['node.lb-2', { type: 'NodeStarted' }],
  ['listener.web', { type: 'ListenerRemoved' }, 'cli:bob'],
);

test.each<[EventFilter, number[]]>([
  [{}, [1, 2, 3, 4, 5, 6]],
  [{ pool: 'p' }, [1, 2, 3]],
  [{ backend: 'b-1' }, [2, 3, 4]],
  [{ backend: 'p/b-1' }, [2, 3]],
  [{ node: 'lb-2' }, [3, 5]],
  [{ listener: 'web' }, [6]],
  [{ type: ['NodeStarted', 'PoolDefined'] }, [1, 5]],
  [{ origin: 'cli:*' }, [2, 6]],
  [{ origin: 'cli:bob' }, [6]],
  [{ fromMs: START_MS + 2_000, toMs: START_MS + 4_000 }, [2, 3]],
  [{ pool: 'p', type: 'BackendRegistered' }, [2]],
])('%j', (filter, revisions) => {
  expect(EVENTS.filter(eventFilter(filter)).map(({ revision }) => revision)).toEqual(revisions);
});

test('text becomes a filter', () => {
  const filter = parseEventFilter({ pool: 'p', type: 'NodeStarted,NodeStopped', fromMs: '12', node: undefined });
  expect(filter).toEqual({ pool: 'p', type: ['NodeStarted', 'NodeStopped'], fromMs: 12 });
});

test.each([
  [{ pool: 'P!' }, 'a name is 1 to 64'],
  [{ backend: 'a/b/c' }, 'ID or POOL/ID'],
  [{ type: 'BackendEjectd' }, 'did you mean "BackendEjected"?'],
  [{ fromMs: 'soon' }, 'ms since 1970'],
  [{ fromMs: '2', toMs: '1' }, 'the end is not after the beginning'],
  [{ pol: 'p' }, 'did you mean "pool"?'],
])('%j is refused', (fields, message) => {
  expect(() => parseEventFilter(fields)).toThrow(expect.objectContaining({ code: 'invalid-question' }));
  expect(() => parseEventFilter(fields)).toThrow(message);
});
