/** What changed between two moments, and which event did it. */
import { expect, test } from 'vitest';
import type { FieldValue } from './changed-fields.ts';
import { diffView, type DiffView } from './diff-view.ts';
import { eventsOf, pastOf, sourceOf } from '../../testing/past.ts';
import { createReplay } from '../fold/replay.ts';

const seen = (type: string, reason: string) => ({ type, target: '10.0.0.1:80', reason });

const EVENTS = eventsOf(
  ['node.lb-1', { type: 'NodeStarted' }, 'node:lb-1'],
  ['pool.p', { type: 'PoolDefined', health: { tcp: true } }, 'config:lb-1'],
  ['backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' }, 'config:lb-1'],
  ['health.lb-1.p.b-1', seen('BackendTurnedHealthy', 'probe passed'), 'node:lb-1'],
  ['backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80' }, 'cli:alice@host'],
  ['backend.p.b-1', { type: 'BackendModeSet', mode: 'drain', reason: 'new kernel' }, 'cli:alice@host'],
  ['backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80', weight: 3 }, 'cli:bob@host'],
  ['backend.p.b-1', { type: 'BackendDeregistered', reason: 'gone for good' }, 'cli:bob@host'],
  ['listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'p' }, 'config:lb-1'],
  ['backend.nope.b-9', { type: 'BackendDeregistered' }, 'cli:bob@host'],
  ['listener.web', { type: 'ListenerRemoved' }, 'config:lb-1'],
  ['pool.p', { type: 'PoolRemoved' }, 'config:lb-1'],
);

async function between(from: number, to: number): Promise<DiffView> {
  const replay = createReplay(sourceOf(pastOf(EVENTS)));
  const [before, after] = [await replay.resolve(String(from), 0), await replay.resolve(String(to), 0)];
  return diffView(replay, { from: before, to: after });
}

/** `changed backend p/b-1 by 6: mode ready → drain by 6`, and so on. */
function story({ changes }: DiffView): string[] {
  return changes.flatMap(({ kind, pool, id, change, by, fields }) => {
    const name = pool === null ? id : `${pool}/${id}`;
    const lines = fields.map(({ field, before, after, by: cause }) => {
      return `  ${field}: ${text(before)} → ${text(after)} by ${cause?.revision ?? '-'}`;
    });
    return [`${change} ${kind} ${name} by ${by?.revision ?? '-'}`, ...lines];
  });
}

function text(field: FieldValue | null): string {
  if (field === null) return '-';
  const value = typeof field.value === 'string' ? field.value : JSON.stringify(field.value);
  return field.reason === null ? value : `${value} (${field.reason})`;
}

test('what is new names the event that made it, and each field the event that set it', async () => {
  const told = story(await between(4, 7));
  expect(told).toContain('added backend p/b-2 by 5');
  expect(told).toContain('  weight: - → 3 by 7');
  expect(told).toContain('  target: - → 10.0.0.2:80 by 5');
});

test('what changed names old and new value, who changed it, and what follows for traffic', async () => {
  const view = await between(4, 6);
  const changed = view.changes.find(({ id }) => id === 'b-1')!;
  expect(changed).toMatchObject({ change: 'changed', by: { revision: 6, origin: 'cli:alice@host' } });
  expect(changed.fields.map(({ field }) => field)).toEqual(['mode', 'eligibility']);
  expect(story(view)).toContain('  mode: ready → drain (new kernel) by 6');
  expect(view).toMatchObject({ node: 'lb-1', fromCheck: { outcome: 'checked' }, toCheck: { outcome: 'checked' } });
});

test('what is gone names the event that removed it; a pool takes its backends with it', async () => {
  expect(story(await between(7, 8))[0]).toBe('removed backend p/b-1 by 8');
  const told = story(await between(9, 12)).filter((line) => !line.startsWith(' '));
  expect(told.toSorted()).toEqual([
    'removed backend p/b-2 by 12',
    'removed listener web by 11',
    'removed pool p by 12',
  ]);
});

test('between a moment and itself, and over an event that was passed over, nothing changed', async () => {
  expect((await between(6, 6)).changes).toEqual([]);
  expect((await between(9, 10)).changes).toEqual([]);
});

test('the later moment first, and a node that nobody knows, are refused', async () => {
  await expect(between(6, 4)).rejects.toMatchObject({ code: 'invalid-question' });
  const replay = createReplay(sourceOf(pastOf(EVENTS)));
  const at = await replay.resolve('6', 0);
  const asked = diffView(replay, { from: at, to: at }, { node: 'lb-9' });
  await expect(asked).rejects.toMatchObject({
    code: 'invalid-question',
    message: expect.stringContaining('lb-1') as string,
  });
});
