/** `muster agent` as a person runs it: a real program, a real NATS server, real signals. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, natsServerProgram, startNatsServer, type NatsServer } from '@muster/nats-server';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { expect, test, vi } from 'vitest';
import { defaultId } from './agent-command.ts';
import { BARE_ENVIRONMENT } from '@muster/cli/testing';

const MUSTER = fileURLToPath(new URL('../../bin/muster.mjs', import.meta.url));
const WAIT = { timeout: 30_000, interval: 10 };

const program = await natsServerProgram('system');

/** A NATS server, and what is published on it; plain responders stand for the stream and for a node that judges registrations. */
class Harness implements AsyncDisposable {
  readonly published: Record<string, unknown>[] = [];
  readonly server: NatsServer;
  /** What the node says to who asks what became of a registration. */
  verdict: object = { standing: 'accepted' };
  readonly #connection: NatsConnection;
  readonly #folder: string;

  private constructor(server: NatsServer, connection: NatsConnection, folder: string) {
    this.server = server;
    this.#connection = connection;
    this.#folder = folder;
  }

  static async start(): Promise<Harness> {
    if ('unavailable' in program) throw new Error(program.unavailable);
    const folder = await mkdtemp(join(tmpdir(), 'muster-agent-'));
    const server = await startNatsServer({ program, folder });
    const connection = await connect({ servers: server.url });
    const harness = new Harness(server, connection, folder);
    connection.subscribe('muster.default.backend.web.>', {
      callback: (_error, message) => {
        harness.published.push(message.json());
        message.respond(JSON.stringify({ stream: 'muster-default', seq: harness.published.length }), {
          headers: headers(),
        });
      },
    });
    connection.subscribe('muster-live.default.lease.web.>', {
      callback: (_error, message) => {
        const { revision } = message.json<{ revision?: number }>();
        if (revision !== undefined) message.respond(JSON.stringify({ revision, ...harness.verdict }));
      },
    });
    await connection.flush();
    return harness;
  }

  get types(): unknown[] {
    return this.published.map(({ type }) => type);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
    await this.server[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const [port] = await freePorts(1, '127.0.0.1');
  return port!;
}

function startAgent(servers: string, options: readonly string[], command: readonly string[]) {
  const env = { ...BARE_ENVIRONMENT, MUSTER_NATS_SERVERS: servers };
  const child = spawn(process.execPath, [MUSTER, 'agent', '--pool', 'web', ...options, '--', ...command], { env });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  return {
    exited,
    output: () => output,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Reads stderr no more. */
    leave: () => child.stderr.destroy(),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Listens after 300 ms; `onTerm` is what SIGTERM does to it. */
const serverProgram = (port: number, onTerm = 'process.exit(7)') => [
  process.execPath,
  '-e',
  `process.on('SIGTERM', () => { console.log('program: SIGTERM'); ${onTerm}; });
   process.on('SIGUSR2', () => process.exit(3));
   const server = require('node:net').createServer((socket) => socket.on('error', () => {}));
   setTimeout(() => server.listen(${port}, '127.0.0.1', () => console.log('program: pid', process.pid, 'listens')), 300);`,
];

const pidOf = (output: string) => Number(/program: pid (\d+)/.exec(output)![1]);

test.skipIf('unavailable' in program)(
  'registers a program that answers, and drains it before the signal reaches it',
  async () => {
    await using harness = await Harness.start();
    const [port, drainMs] = [await freePort(), 1_500];
    const options = ['--target', `127.0.0.1:${port}`, '--id', 'web-1', '--weight', '5', '--drain-ms', `${drainMs}`];
    await using agent = startAgent(harness.server.url, options, serverProgram(port));
    await vi.waitFor(() => expect(agent.output()).toContain('registered web/web-1'), WAIT);
    expect(harness.published).toEqual([
      { type: 'BackendRegistered', target: `127.0.0.1:${port}`, weight: 5, leaseMs: 15_000 },
    ]);
    const killedMs = performance.now();
    agent.kill('SIGTERM');
    expect(await agent.exited).toBe(7);
    expect(performance.now() - killedMs).toBeGreaterThan(drainMs);
    expect(harness.published.slice(1)).toEqual([
      { type: 'BackendModeSet', mode: 'drain', reason: 'SIGTERM' },
      { type: 'BackendDeregistered', reason: 'the program ended with 7' },
    ]);
    expect(agent.output()).toMatch(/listens[^]*registered[^]*draining for 1500 ms[^]*program: SIGTERM[^]*deregistered/);
  },
);

test.skipIf('unavailable' in program).each([
  ['SIGUSR2', 3],
  ['SIGKILL', 137],
] as const)(
  'a program that ends by itself (%s) is deregistered at once; its code is kept: %d',
  async (signal, code) => {
    await using harness = await Harness.start();
    const port = await freePort();
    await using agent = startAgent(harness.server.url, ['--target', `127.0.0.1:${port}`], serverProgram(port));
    await vi.waitFor(() => expect(agent.output()).toContain('registered'), WAIT);
    process.kill(pidOf(agent.output()), signal);
    expect(await agent.exited).toBe(code);
    expect(harness.types).toEqual(['BackendRegistered', 'BackendDeregistered']);
  },
);

test.skipIf('unavailable' in program)('a second signal kills a program that ignores the first', async () => {
  await using harness = await Harness.start();
  const port = await freePort();
  const options = ['--target', `127.0.0.1:${port}`, '--drain', '1ms'];
  await using agent = startAgent(harness.server.url, options, serverProgram(port, ''));
  await vi.waitFor(() => expect(agent.output()).toContain('registered'), WAIT);
  agent.kill('SIGTERM');
  await vi.waitFor(() => expect(agent.output()).toContain('program: SIGTERM'), WAIT);
  agent.kill('SIGTERM');
  expect(await agent.exited).toBe(137);
  expect(harness.types).toEqual(['BackendRegistered', 'BackendModeSet', 'BackendDeregistered']);
});

test.skipIf('unavailable' in program)('a program that never answers is ended', async () => {
  await using harness = await Harness.start();
  const target = `127.0.0.1:${await freePort()}`;
  const silent = [process.execPath, '-e', 'setInterval(() => {}, 1000)'];
  await using agent = startAgent(harness.server.url, ['--target', target, '--start-timeout', '300ms'], silent);
  expect(await agent.exited).toBe(1);
  expect(agent.output()).toContain(`nothing answered at ${target} within 300 ms; the program is ended\n`);
  expect(harness.types).toEqual([]);
});

test('what every node rejects is not called registered, and what they make of it is told without their escapes', async () => {
  await using harness = await Harness.start();
  const message = 'there is no pool web\u001b[2J\u009b31m\u202e\u2028; define it first';
  harness.verdict = { standing: 'rejected', reason: 'unknown-pool', message };
  const port = await freePort();
  await using agent = startAgent(harness.server.url, ['--target', `127.0.0.1:${port}`], serverProgram(port));
  await vi.waitFor(() => expect(agent.output()).toContain('define it first; it tries again by itself'), WAIT);
  expect(agent.output()).toContain('(unknown-pool): there is no pool web\\u001b[2J\\u009b31m\\u202e\\u2028;');
  expect(agent.output()).not.toMatch(/muster agent: registered/);
  expect(/[\p{Cc}\p{Cf}\u2028]/u.test(agent.output().replaceAll('\n', ''))).toBe(false);
  agent.kill('SIGTERM');
  expect(await agent.exited).toBe(7);
});

test('a wrong cluster is told of within two seconds, with what to do', async () => {
  await using harness = await Harness.start();
  const port = await freePort();
  const options = ['--target', `127.0.0.1:${port}`, '--cluster', 'wrong'];
  await using agent = startAgent(harness.server.url, options, serverProgram(port));
  await vi.waitFor(() => expect(agent.output()).toContain('program: pid'), WAIT);
  await vi.waitFor(() => expect(agent.output()).toContain('(--cluster)'), WAIT);
  expect(agent.output()).toMatch(/not registered yet, still trying: no stream takes its subject/);
  expect(agent.output()).toContain('is "wrong" the nodes\' cluster');
  agent.kill('SIGTERM');
  expect(await agent.exited).toBe(7);
});

test('its program is told no token and no address with a password, and hears the signals that are for programs', async () => {
  await using harness = await Harness.start();
  const port = await freePort();
  const [file, flag, script] = serverProgram(port);
  const told = `${script} process.on('SIGHUP', () => console.log('program: SIGHUP'));
    console.log('program:', Object.keys(process.env).filter((name) => name.startsWith('MUSTER_')).length, 'of ours');`;
  await using agent = startAgent(harness.server.url, ['--target', `127.0.0.1:${port}`], [file!, flag!, told]);
  await vi.waitFor(() => expect(agent.output()).toContain('registered'), WAIT);
  expect(agent.output()).toContain('program: 0 of ours');
  agent.kill('SIGHUP');
  await vi.waitFor(() => expect(agent.output()).toContain('program: SIGHUP'), WAIT);
  agent.kill('SIGUSR2');
  expect(await agent.exited).toBe(3);
});

test('a reader of its words that leaves ends neither it nor its program', async () => {
  await using harness = await Harness.start();
  const port = await freePort();
  await using agent = startAgent(harness.server.url, ['--target', `127.0.0.1:${port}`], serverProgram(port));
  await vi.waitFor(() => expect(agent.output()).toContain('program: pid'), WAIT);
  agent.leave();
  await vi.waitFor(() => expect(harness.types).toEqual(['BackendRegistered']), WAIT);
  agent.kill('SIGTERM');
  expect(await agent.exited).toBe(7);
  expect(harness.types.at(-1)).toBe('BackendDeregistered');
});

test('without NATS the program runs and ends all the same', async () => {
  const [port, nobody] = [await freePort(), await freePort()];
  const options = ['--target', `127.0.0.1:${port}`];
  await using agent = startAgent(`nats://127.0.0.1:${nobody}`, options, serverProgram(port));
  await vi.waitFor(() => expect(agent.output()).toContain('program: pid'), WAIT);
  agent.kill('SIGTERM');
  expect(await agent.exited).toBe(7);
});

test.each([
  [['--target', '127.0.0.1'], ['true'], 1, '--target 127.0.0.1: an address is HOST:PORT'],
  [['--target', '127.0.0.1:1', '--id', 'A'], ['true'], 1, '--id A: a name is'],
  [['--target', '127.0.0.1:1', '--servers', 'x'], ['true'], 1, 'give nats://HOST:PORT'],
  [['--target', '127.0.0.1:1'], ['no-such-program'], 127, 'there is no program "no-such-program"'],
  [['--target', '127.0.0.1:1'], [], 2, "missing required argument 'command'"],
] as const)('%j %j ends with %d', async (...[options, command, code, message]) => {
  await using agent = startAgent('nats://127.0.0.1:1', options, command);
  expect(await agent.exited).toBe(code);
  expect(agent.output()).toContain(message);
});

test('the default id is the host and the port, made to fit', () => {
  expect(defaultId('10.0.0.5:8001', 'Web_7.example.com')).toBe('web-7-example-com-8001');
  expect(defaultId('10.0.0.5:8001', 'h'.repeat(80))).toBe(`${'h'.repeat(59)}-8001`);
  expect(defaultId('unix:/run/app.sock', 'web-7')).toBe('web-7-unix');
});
