/** Questions about the past over the admin API: answers, refusals, and how many at a time. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandSchema, type CommandInput } from '@muster/membership';
import { openIncident, type BackendExplanation, type DiffView, type StateView } from '@muster/replay';
import { expect, test } from 'vitest';
import { startAdmin, type AdminHarness } from '../testing/index.ts';
import { QUESTIONS_MAX } from './question-routes.ts';

/** Pool p with backend a, drained at revision 3 and removed at 4. */
async function withHistory(): Promise<AdminHarness> {
  const admin = await startAdmin();
  const execute = (command: CommandInput, origin: string) => admin.node.execute(commandSchema.parse(command), origin);
  await execute({ type: 'DefinePool', pool: 'p', policy: 'random' }, 'config:lb-1');
  await execute({ type: 'RegisterBackend', pool: 'p', backend: 'a', target: '10.0.0.1:80' }, 'config:lb-1');
  await execute({ type: 'SetBackendMode', pool: 'p', backend: 'a', mode: 'drain', reason: 'pwd=hunter2' }, 'cli:alice');
  await execute({ type: 'DeregisterBackend', pool: 'p', backend: 'a' }, 'cli:bob');
  return admin;
}

async function get<Answer>(admin: AdminHarness, path: string): Promise<{ status: number; body: Answer }> {
  const answer = await fetch(`${admin.url}${path}`);
  return { status: answer.status, body: (await answer.json()) as Answer };
}

test('a past state, and what changed since, with the events', async () => {
  await using admin = await withHistory();
  const { body: state } = await get<StateView>(admin, '/v1/replay?at=3');
  expect(state.pools[0]!.backends[0]).toMatchObject({
    mode: { value: 'drain', revision: 3 },
    eligibility: { isEligible: false, axis: 'mode' },
    keptOutBy: { origin: 'cli:alice' },
  });
  expect((await get<StateView>(admin, '/v1/replay')).body.pools[0]!.backends).toEqual([]);
  const { body: diff } = await get<DiffView>(admin, '/v1/diff?from=1&to=4');
  expect(diff.changes).toEqual([]);
  const { body: removal } = await get<DiffView>(admin, '/v1/diff?from=3');
  expect(removal.changes).toMatchObject([{ id: 'a', change: 'removed', by: { revision: 4, origin: 'cli:bob' } }]);
  const { body: backend } = await get<BackendExplanation>(admin, '/v1/explain/backend?pool=p&backend=a');
  expect(backend).toMatchObject({ isMember: false, by: { revision: 4 } });
});

test.each([
  ['/v1/replay?at=99', 404, 'unknown-instant'],
  ['/v1/replay?at=3&pool=q', 404, 'unknown-pool'],
  ['/v1/replay?at=3&node=lb-9', 400, 'invalid-question'],
  ['/v1/replay?when=3', 400, 'invalid'],
  ['/v1/diff?from=4&to=1', 400, 'invalid-question'],
  ['/v1/explain/backend?pool=p&backend=z', 404, 'unknown-backend'],
  ['/v1/explain/request?id=r-1', 404, 'unknown-request'],
  ['/v1/whatif?pool=p', 400, 'invalid-question'],
  ['/v1/export?from=4&to=1', 400, 'invalid-question'],
  ['/v1/events?type=PoolDefind', 400, 'invalid-question'],
  ['/v1/events?fromMs=yesterday', 400, 'invalid-question'],
])('%s is refused with %i %s', async (path, status, code) => {
  await using admin = await withHistory();
  expect(await get(admin, path)).toMatchObject({ status, body: { error: { code } } });
});

test('what is no line of an access log is refused in words', async () => {
  await using admin = await withHistory();
  const ask = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ line: 'GET /' }),
  };
  const answer = await fetch(`${admin.url}/v1/explain/request`, ask);
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('no line of an access log');
});

test('events are filtered by what they are about, by whom and when', async () => {
  await using admin = await withHistory();
  const revisions = async (query: string): Promise<number[]> => {
    const text = await (await fetch(`${admin.url}/v1/events?${query}`)).text();
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { revision: number }).revision);
  };
  expect(await revisions('backend=p/a')).toEqual([2, 3, 4]);
  expect(await revisions('origin=cli:*&limit=1')).toEqual([3]);
  expect(await revisions('type=PoolDefined,BackendModeSet')).toEqual([1, 3]);
  expect(await revisions(`fromMs=${Date.now() + 60_000}`)).toEqual([]);
  expect(await revisions('fromMs=1&toMs=2')).toEqual([]);
  expect(await revisions('fromMs=1')).toEqual([1, 2, 3, 4]);
});

test('an export is a file that can be opened, without the secret', async () => {
  await using admin = await withHistory();
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-export-'));
  const answer = await fetch(`${admin.url}/v1/export?from=2`);
  expect(answer.headers.get('content-type')).toBe('application/vnd.muster.incident+gzip');
  const path = join(folder.path, 'a.muster');
  await writeFile(path, new Uint8Array(await answer.arrayBuffer()));
  const incident = await openIncident(path);
  expect(incident.about).toMatchObject({ fromRevision: 1, toRevision: 4, eventsCount: 3, redactedSpans: [[3, 3]] });
  await incident.close();
});

test('so many questions at a time, and no more; each that ends makes room', async () => {
  await using admin = await withHistory();
  const held: PromiseWithResolvers<void>[] = [];
  const { head } = admin.node.journal;
  admin.node.journal.head = async function waitingHead() {
    const waiting = Promise.withResolvers<void>();
    held.push(waiting);
    await waiting.promise;
    return head.call(this);
  };
  const asked = Array.from({ length: QUESTIONS_MAX }, () => get(admin, '/v1/replay?at=2'));
  while (held.length < QUESTIONS_MAX) await new Promise(setImmediate);
  expect(await get(admin, '/v1/diff?from=1')).toMatchObject({
    status: 503,
    body: { error: { code: 'too-many-questions' } },
  });
  admin.node.journal.head = head;
  for (const { resolve } of held) resolve();
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await get(admin, '/v1/replay?at=2')).status).toBe(200);
});
