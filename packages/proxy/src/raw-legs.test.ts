/** When the raw transport stands aside, and what it leaves behind: nothing. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Client, ProxyHarness } from '../testing/proxy-harness.ts';
import { rawTransport, socketTransport } from '@muster/transport';

const run = promisify(execFile);
const ENTRY = new URL('./index.ts', import.meta.url).href;
/** iproute2's list of sockets; without it that test is left out. */
const SS = '/usr/bin/ss';
const hasSs = existsSync(SS);

/** The transport that a proxy chooses in a process where `prelude` ran first. */
async function chosenTransport(prelude: string, nodeOptions: readonly string[] = []): Promise<string> {
  const script = `${prelude}; const { DataPlane } = await import('${ENTRY}');
    const proxy = new DataPlane({}); console.log(proxy.transport.name); proxy.close();`;
  const { stdout, stderr } = await run(process.execPath, [...nodeOptions, '--input-type=module', '-e', script]);
  expect(stderr).toBe('');
  return stdout.trim();
}

/** How many listening and connected sockets this process has, and requests on them. Earlier test files may have left some. */
function openSocketsCount(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Shutdown|Write/.test(name)).length;
}

describe('the public sockets do the work instead, without a warning, when', () => {
  test.each([
    { why: 'Node has no process.binding', prelude: 'process.binding = undefined' },
    { why: 'a binding is empty', prelude: 'process.binding = () => ({})' },
    { why: 'a class is missing', prelude: "delete process.binding('tcp_wrap').TCPConnectWrap" },
    {
      why: 'the version is another',
      prelude: "Object.defineProperty(process, 'versions', { value: { node: '27.0.0' } })",
    },
    { why: 'asking is forbidden', prelude: '', nodeOptions: ['--permission', '--allow-fs-read=*', '--no-warnings'] },
  ])('$why', async ({ prelude, nodeOptions }) => {
    expect(await chosenTransport(prelude, nodeOptions)).toBe('socket');
  });

  test('but not when nothing is in the way, nor where asking would print a warning', async () => {
    expect(await chosenTransport('')).toBe('raw');
    expect(await chosenTransport('', ['--pending-deprecation'])).toBe('raw');
  });
});

describe.each([rawTransport!, socketTransport])('the $name transport', (transport) => {
  test('leaves no handle open, whichever way connections end', async () => {
    const beforeCount = openSocketsCount();
    {
      await using harness = new ProxyHarness({ transport, maxConnections: 20 });
      const backend = await harness.named('a');
      harness.pool();
      harness.register('a', backend.target);
      const port = await harness.listen();
      const clients = Array.from({ length: 30 }, () => new Client(port));
      await Promise.all(clients.map((client) => client.read(1)));
      for (const [index, { socket }] of clients.entries()) {
        if (index % 3 === 0) socket.resetAndDestroy();
        if (index % 3 === 1) socket.end();
      }
      await clients[1]!.finish();
      harness.deregister('a');
      await Promise.all(clients.map((client) => client.finish()));
    }
    while (openSocketsCount() > beforeCount) await turn();
    expect(openSocketsCount()).toBeLessThanOrEqual(beforeCount);
  });

  test.runIf(hasSs && process.platform === 'linux')('keeps both sides of an idle connection alive', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await harness.named('a');
    harness.pool();
    harness.register('a', backend.target);
    const port = await harness.listen();
    const client = new Client(port);
    await client.read(1);
    const backendPort = backend.target.split(':')[1];
    for (const filter of [`sport = :${port}`, `dport = :${backendPort}`]) {
      const { stdout } = await run(SS, ['-Htno', 'state', 'established', filter]);
      expect(stdout).toContain('timer:(keepalive,');
    }
    client.socket.destroy();
  });
});
