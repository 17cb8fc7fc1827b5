/** Three servers as one: they elect, keep three copies, and go on after one was killed. */
import { expect, test } from 'vitest';
import { startNatsCluster } from './server-cluster.ts';
import { newestNatsServer } from './server-program.ts';
import { jetStreamStands, until } from './server-readiness.ts';
import { testFolder } from './test-folder.ts';
import { request } from './wire-client.ts';

const program = await newestNatsServer();
if ('unavailable' in program) process.stderr.write(`skipped: ${program.unavailable}\n`);

test.skipIf('unavailable' in program)(
  'elects, keeps three copies, and takes a killed server back',
  async () => {
    if ('unavailable' in program) throw new Error(program.unavailable);
    await using folder = await testFolder();
    await using cluster = await startNatsCluster({ program, folder: folder.path });
    const [first, , third] = cluster.servers;
    expect(new Set(cluster.urls).size).toBe(3);
    const stream = { name: 'kept', subjects: ['kept.>'], num_replicas: 3 };
    const made = JSON.parse(await request(first!.port, '$JS.API.STREAM.CREATE.kept', stream)) as StreamInfo;
    expect(made.config.num_replicas).toBe(3);
    await request(first!.port, 'kept.a', 'first');

    await third!.end('SIGKILL');
    await third!.restart();
    const monitor = `http://${third!.host}:${third!.monitorPort}`;
    const isMember = async () => (await jetStreamStands(monitor, 3)) && (await messageCount(monitor)) === 1;
    const { signal } = new AbortController();
    const back = until(isMember, { signal, timeoutMs: 20_000, what: 'the killed server to have its copy again' });
    await expect(back).resolves.toBeUndefined();
  },
  40_000,
);

interface StreamInfo {
  readonly config: { readonly num_replicas: number };
}

async function messageCount(monitor: string): Promise<number> {
  const response = await fetch(`${monitor}/jsz`);
  return ((await response.json()) as { messages: number }).messages;
}
