/** Fault: the disk that observations are kept on is full, and later has room again. A real one: 2 MiB of memory, mounted. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ObservationStoreStatus } from '@muster/observations';
import { expect, test } from 'vitest';

/** What the process prints. */
interface DiskReport {
  readonly before: ObservationStoreStatus;
  readonly during: ObservationStoreStatus;
  readonly after: ObservationStoreStatus;
  readonly read: object;
  readonly logLines: readonly string[];
}

const run = promisify(execFile);
/** A mount namespace of its own, so that nothing is left behind: for root, or for anybody where user namespaces are allowed. */
const NAMESPACE = ['--user', '--map-root-user', '--mount'];

const whyNot = await run('unshare', [...NAMESPACE, 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).then(
  () => null,
  (error: Error) => error.message,
);

test.skipIf(whyNot !== null)(
  'a full disk costs observations, is logged once, and ends when there is room',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-disk-full-'));
    const script = new URL('./observations-disk-full-process.ts', import.meta.url).pathname;
    const mountAndRun = 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$1" "$2" "$0"';
    const { stdout } = await run('unshare', [...NAMESPACE, 'sh', '-c', mountAndRun, folder, process.execPath, script]);
    const { before, during, after, read, logLines } = JSON.parse(stdout) as DiskReport;
    expect(before).toMatchObject({ lostCount: 0, failure: null });
    expect(during).toMatchObject({ failure: expect.stringContaining('ENOSPC') as unknown });
    expect(after).toMatchObject({ failure: null });
    const { lostCount } = after as { lostCount: number };
    expect(lostCount).toBeGreaterThan(0);
    expect(read).toEqual({ keptInOrder: true, lostSaid: lostCount, newestIsThere: true, oldestIsThere: true });
    expect(logLines).toEqual([expect.stringContaining('ENOSPC')]);
    await rm(folder, { recursive: true });
  },
);
