/** What a node says of the observations that it keeps: in its status, its metrics and the command line. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openObservationStore } from '@muster/observations';
import { expect, test } from 'vitest';
import { startAdmin } from '@muster/admin/testing';
import { statusLines, type StatusAnswer } from '@muster/cli/status-text';
import { setLines } from '@muster/questions/text';

const TIME_MS = 1_700_000_000_000;
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function ask(url: string) {
  const get = async (path: string) => (await fetch(`${url}${path}`)).text();
  const status = JSON.parse(await get('/v1/status')) as StatusAnswer['status'];
  const roster = JSON.parse(await get('/v1/roster')) as StatusAnswer['roster'];
  const metrics = (await get('/metrics')).split('\n').filter((line) => line.startsWith('muster_observations'));
  const shown = setLines(statusLines({ status, roster }, TIME_MS + 60_000), Infinity).filter((line) =>
    line.startsWith('observations'),
  );
  return { observations: status.observations, metrics, shown };
}

test('status, metrics and command line say how much is kept, since when, and what was lost', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-observations-shown-'));
  const path = join(folder, 'observations');
  const store = openObservationStore({ path, log });
  store.add({ kind: 'hash', timeMs: TIME_MS, node: 'lb-1', epoch: 'e', revision: 1, hash: 'a' });
  await store.close();
  store.add({ kind: 'hash', timeMs: TIME_MS, node: 'lb-1', epoch: 'e', revision: 2, hash: 'b' });
  await using admin = await startAdmin({ observations: store });
  const { observations, metrics, shown } = await ask(admin.url);
  expect(observations).toMatchObject({ path, sinceMs: TIME_MS, keptCount: 1, lostCount: 1, failure: null });
  expect(metrics).toEqual([
    'muster_observations_kept_total 1',
    'muster_observations_lost_total 1',
    `muster_observations_bytes ${observations!.bytes}`,
    `muster_observations_since_seconds ${TIME_MS / 1_000}`,
  ]);
  expect(shown).toEqual(['observations: of the last 60 s, 0.0 MiB; 1 lost']);
  await rm(folder, { recursive: true });
});

test('a node that keeps none says nothing of them', async () => {
  await using admin = await startAdmin();
  const { observations, metrics, shown } = await ask(admin.url);
  expect({ observations, shown }).toEqual({ observations: null, shown: [] });
  expect(metrics.map((line) => line.split(' ')[1])).toEqual(['0', '0', '0', '0']);
});
