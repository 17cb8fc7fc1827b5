/** How opening a journal on NATS ends where it can never be right, and what is said where it may be later. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newestNatsServer, startNatsCluster, startNatsServer } from '@muster/nats-server';
import { expect, test } from 'vitest';
import type { JetStreamConfig } from '@muster/config';
import { createLog } from '../log/log.ts';
import { openShared } from './open-shared-journal.ts';

const TEST_MS = 60_000;
const program = await newestNatsServer();

async function openOn(servers: readonly string[], replicas: number, folder: string) {
  const config: JetStreamConfig = {
    kind: 'jetstream',
    access: { servers, name: 'muster:test' },
    replicas,
    makesStream: true,
    streamBytesMax: null,
    retentionHours: null,
    duplicateWindowMs: 120_000,
    localSnapshotPath: join(folder, 'lb-1.snapshot'),
  };
  const log = createLog({ level: 'silent', format: 'json', node: 'lb-1', output: process.stdout });
  return openShared(config, { cluster: 'demo', isNewCluster: false, log });
}

test.skipIf('unavailable' in program)(
  'more copies than a lone server keeps: the start fails with one line',
  { timeout: TEST_MS },
  async () => {
    if ('unavailable' in program) throw new Error(program.unavailable);
    await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-shared-'));
    await using server = await startNatsServer({ program, folder: join(folder.path, 'nats') });
    expect(await openOn([server.url], 3, folder.path)).toEqual({
      outcome: 'failed',
      reason: expect.stringContaining('or set replicas = 1') as string,
    });
  },
);

test.skipIf('unavailable' in program)(
  'more copies than the cluster has servers: the start goes on, and says what it waits for',
  { timeout: TEST_MS },
  async () => {
    if ('unavailable' in program) throw new Error(program.unavailable);
    await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-shared-'));
    await using cluster = await startNatsCluster({ program, folder: join(folder.path, 'nats') });
    const opening = await openOn(cluster.urls, 5, folder.path);
    if (opening.outcome === 'failed') throw new Error(opening.reason);
    expect(opening.open.awayReason()).toContain('no place for 5 copies of the stream muster-demo');
    await opening.open.close();
  },
);
