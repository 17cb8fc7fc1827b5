/** The executable: what it prints, how it ends. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

function startMain(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  });
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'prints where it listens; %s ends it with an open connection',
  async (signal) => {
    await using main = startMain('--port', '0', '--name', 'spells-9');
    const [line] = (await once(createInterface(main.stdout), 'line')) as [string];
    expect(line).toMatch(/^spells-9 listens on http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(`${line.split(' ').at(-1)}/healthz`);
    expect(response.headers.get('x-backend')).toBe('spells-9');
    await response.text();

    const exited = once(main, 'exit');
    main.kill(signal);
    expect(await exited).toEqual([0, null]);
  },
);

test('a taken port is one clear line', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  await using main = startMain('--port', String(port));
  const [stderr, [code]] = await Promise.all([text(main.stderr), once(main, 'exit')]);
  holder.close();
  expect(stderr).toBe(`spells: 127.0.0.1:${port} is taken; choose another with --port\n`);
  expect(code).toBe(1);
});

test.each([
  [['--port', '70000'], '--port must be 0–65535'],
  [['--port', 'x'], '--port must be 0–65535'],
  [['--name', 'a b'], '--name must be'],
  [['--nme', 'a'], "Unknown option '--nme'"],
  [['--port', '0', '--join', 'nats://127.0.0.1:1', '--host', '0.0.0.0'], 'say with --advertise HOST:PORT'],
  [['--port', '0', '--join', 'x'], 'give nats://HOST:PORT'],
  [['--port', '0', '--join', 'nats://127.0.0.1:1', '--pool', 'A'], 'pool "A": a name is'],
])('refuses %j', async (args, message) => {
  await using main = startMain(...args);
  const [stderr, [code]] = await Promise.all([text(main.stderr), once(main, 'exit')]);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
});
