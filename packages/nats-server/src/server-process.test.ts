/** One server: that it answers, keeps its store, takes its signals, and never outlives who started it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { natsServerProgram } from './server-program.ts';
import { startNatsServer } from './server-process.ts';
import { greets, until } from './server-readiness.ts';
import { testFolder } from './test-folder.ts';
import { request } from './wire-client.ts';

const program = await natsServerProgram('system');
if ('unavailable' in program) process.stderr.write(`skipped: ${program.unavailable}\n`);
const options = async (folder: string) => {
  if ('unavailable' in program) throw new Error(program.unavailable);
  return { program, folder };
};

describe.skipIf('unavailable' in program)('a server', () => {
  test('answers, is killed, and has its messages when it comes back on the same port', async () => {
    await using folder = await testFolder();
    await using server = await startNatsServer(await options(folder.path));
    await request(server.port, '$JS.API.STREAM.CREATE.kept', { name: 'kept', subjects: ['kept.>'] });
    await request(server.port, 'kept.a', 'first');
    const { pid, url } = server;

    await server.end('SIGKILL');
    expect(await greets(server.host, server.port)).toBe(false);
    await server.restart();

    expect(server.pid).not.toBe(pid);
    expect(server.url).toBe(url);
    const ack = JSON.parse(await request(server.port, 'kept.b', 'second')) as { seq: number };
    expect(ack.seq).toBe(2);
    expect(server.log().match(/Server is ready/g)).toHaveLength(2);
  });

  test('a paused server says nothing until it is resumed, and ends also while it is paused', async () => {
    await using folder = await testFolder();
    await using server = await startNatsServer(await options(folder.path));
    await server.pause();
    expect(await greets(server.host, server.port)).toBe(false);
    server.resume();
    expect(await greets(server.host, server.port)).toBe(true);
    await server.pause();
    await server.end('SIGTERM');
    expect(await greets(server.host, server.port)).toBe(false);
  });

  test('takes further config, and says why it did not start', async () => {
    await using folder = await testFolder();
    const configLines = 'authorization: { token: "let-me-in" }';
    await using server = await startNatsServer({ ...(await options(folder.path)), configLines });
    await expect(request(server.port, 'any', '')).rejects.toThrow('Authorization Violation');

    await using other = await testFolder();
    const broken = startNatsServer({ ...(await options(other.path)), configLines: 'no_such_field: 1' });
    await expect(broken).rejects.toThrow(/ended with status 1; its log ends with[^]*no_such_field/);
  });

  test('dies with a parent that was killed', async () => {
    await using folder = await testFolder();
    const script = `
    import { natsServerProgram, startNatsServer } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    const server = await startNatsServer({ program: await natsServerProgram('system'), folder: ${JSON.stringify(folder.path)} });
    console.log(server.port);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = (await once(createInterface(parent.stdout), 'line')) as [string];
    expect(await greets('127.0.0.1', Number(port))).toBe(true);

    parent.kill('SIGKILL');

    const { signal } = new AbortController();
    const isGone = async () => !(await greets('127.0.0.1', Number(port)));
    await expect(until(isGone, { signal, timeoutMs: 10_000, what: 'the server to end' })).resolves.toBeUndefined();
  });
});
