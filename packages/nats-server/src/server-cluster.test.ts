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
    const [first, second, third] = cluster.servers;
    expect(new Set(cluster.urls).size).toBe(3);
    const stream = { name: 'kept', subjects: ['kept.>'], num_replicas: 3 };
    const made = JSON.parse(await request(first!.port, '$JS.API.STREAM.CREATE.kept', stream)) as StreamInfo;
    expect(made.config.num_replicas).toBe(3);
    await request(first!.port, 'kept.a', 'first');

    await third!.end('SIGKILL');
    await third!.restart();
    await until(async () => jetStreamStands(`http://${third!.host}:${third!.monitorPort}`, 3), {
      signal: new AbortController().signal,
      timeoutMs: 15_000,
      what: 'the killed server to be a member again',
    });
    const info = JSON.parse(await request(second!.port, '$JS.API.STREAM.INFO.kept', '')) as StreamInfo;
    expect(info.state.messages).toBe(1);
  },
  40_000,
);

interface StreamInfo {
  readonly config: { readonly num_replicas: number };
  readonly state: { readonly messages: number };
}
