/** The live machines, as the admin API shows them. */
import type { ActorLine, InspectionLine } from '@muster/actors';
import { expect, test } from 'vitest';
import { INSPECTORS_MAX } from './inspect-routes.ts';
import { FOLLOWING_MS, startAdmin } from '../testing/index.ts';

const FOUND: ActorLine = {
  type: 'found',
  timeMs: 1_800_000_000_000,
  elapsedMs: 5,
  kind: 'prober',
  id: 'p/b-1',
  status: 'active',
  state: 'settled',
  context: {},
  armed: [],
  children: [],
};
const FOLLOWING: InspectionLine = { type: 'following', timeMs: FOLLOWING_MS, actorsCount: 1 };

test('without follow the answer ends once everybody who lives has been shown', async () => {
  await using admin = await startAdmin();
  admin.node.inspected = [FOUND];
  const response = await fetch(`${admin.url}/v1/inspect?kind=prober&id=p/b-1`);
  const lines = (await response.text()).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([FOUND, FOLLOWING]);
  expect(admin.node.askedInspection).toEqual({ kind: 'prober', id: 'p/b-1' });
});

test('without follow the answer ends where nobody lives, too', async () => {
  await using admin = await startAdmin();
  const response = await fetch(`${admin.url}/v1/inspect`);
  expect(JSON.parse(await response.text())).toEqual({ ...FOLLOWING, actorsCount: 0 });
});

test('so many may look at once, and a place is free again when one leaves', async () => {
  await using admin = await startAdmin();
  const leaving = new AbortController();
  const look = (signal?: AbortSignal) => fetch(`${admin.url}/v1/inspect?follow=true`, signal ? { signal } : {});
  const [first] = await Promise.all([
    look(leaving.signal),
    ...Array.from({ length: INSPECTORS_MAX - 1 }, () => look()),
  ]);
  await first.body!.getReader().read();
  const refused = await look();
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { code: 'too-many-inspectors' } });
  leaving.abort();
  for (let status = 503; status !== 200;) ({ status } = await look());
});

test.each(['kind=actor', 'kind=', 'id=', 'id=a%20b', `id=${'x'.repeat(200)}`, 'follow=maybe', 'what=1'])(
  '%s is refused',
  async (query) => {
    await using admin = await startAdmin();
    const response = await fetch(`${admin.url}/v1/inspect?${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid' } });
    expect(admin.node.askedInspection).toBeNull();
  },
);
