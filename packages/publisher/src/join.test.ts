/** Joining and leaving as a stream on a real server sees it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { JournalHarness, program } from '../testing/journal-harness.ts';
import { join } from './join.ts';
import { openPublisher } from './publisher.ts';

const SPEC = { cluster: 'demo', pool: 'spells', id: 'spells-1', target: '10.0.0.5:8001' } as const;
const WAIT = { timeout: 15_000, interval: 10 };

async function withStream(): Promise<JournalHarness> {
  const harness = await JournalHarness.start();
  await harness.createStream();
  return harness;
}

describe.skipIf('unavailable' in program)('a member', () => {
  test('joins, drains and leaves with one event each', async () => {
    await using harness = await withStream();
    const member = await join({ ...SPEC, servers: harness.url, weight: 3 });
    expect(member.state).toBe('registered');
    expect(await member.drain('deploy 2.4')).toEqual({ outcome: 'acknowledged', revision: 2 });
    expect(await member.drain()).toEqual({ outcome: 'acknowledged', revision: 2 });
    expect(await member.leave('scaled in')).toEqual({ outcome: 'acknowledged', revision: 3 });
    expect(await member.leave()).toEqual({ outcome: 'acknowledged', revision: 3 });
    expect(member.state).toBe('left');
    const events = await harness.events();
    expect(events.map(({ payload }) => payload)).toEqual([
      { type: 'BackendRegistered', target: '10.0.0.5:8001', weight: 3, leaseMs: 15_000 },
      { type: 'BackendModeSet', mode: 'drain', reason: 'deploy 2.4' },
      { type: 'BackendDeregistered', reason: 'scaled in' },
    ]);
    expect(new Set(events.map(({ subject }) => subject))).toEqual(new Set(['muster.demo.backend.spells.spells-1']));
    expect(new Set(events.map(({ origin }) => origin))).toEqual(new Set(['publisher:spells-1']));
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
  });

  test('leaves at the end of its block, under the origin that was given', async () => {
    await using harness = await withStream();
    {
      await using member = await join({ ...SPEC, servers: [harness.url], origin: 'deployer:7' });
      expect(member.id).toBe('spells-1');
    }
    const events = await harness.events();
    expect(events.map(({ origin }) => origin)).toEqual(['deployer:7', 'deployer:7']);
    expect(events.at(-1)?.payload).toEqual({ type: 'BackendDeregistered' });
  });

  test('is heard on core NATS, and registers again under a new id where a node does not know it', async () => {
    await using harness = await withStream();
    const heartbeats: { subject: string; payload: unknown }[] = [];
    await harness.onHeartbeat((heartbeat) => {
      heartbeats.push({ subject: heartbeat.subject, payload: heartbeat.json() });
      heartbeat.respond(JSON.stringify({ standing: 'unknown' }));
    });
    await using member = await join({ ...SPEC, servers: harness.url, leaseMs: 1_000, heartbeatMs: 100 });
    await vi.waitFor(async () => expect(await harness.types()).toHaveLength(2), WAIT);
    expect(member.state).toBe('registered');
    expect(heartbeats[0]).toEqual({
      subject: 'muster-live.demo.lease.spells.spells-1',
      payload: { target: '10.0.0.5:8001' },
    });
    const events = await harness.events();
    expect(events[1]?.payload).toEqual(events[0]?.payload);
    expect(events[1]?.id).not.toBe(events[0]?.id);
  });

  test('is told that it was removed', async () => {
    await using harness = await withStream();
    await harness.onHeartbeat((heartbeat) => {
      const answer = { standing: 'removed', revision: 9, origin: 'cli:alice', reason: null };
      heartbeat.respond(JSON.stringify(answer));
    });
    await using member = await join({ ...SPEC, servers: harness.url, leaseMs: 1_000, heartbeatMs: 100 });
    const states: string[] = [];
    for await (const { state } of member.changes()) states.push(state);
    expect(states).toEqual(['registered', 'removed']);
  });
});

describe.skipIf('unavailable' in program)('while NATS is away', () => {
  test('joining waits, and is recorded once', async () => {
    await using harness = await withStream();
    await harness.server.end('SIGKILL');
    await using publisher = openPublisher({ cluster: 'demo', servers: harness.url });
    const joining = publisher.join(SPEC);
    await vi.waitFor(() => expect(publisher.problem).toContain('127.0.0.1'), WAIT);
    await harness.server.restart();
    await joining;
    expect(publisher.problem).toBeNull();
    expect(await harness.types()).toEqual(['BackendRegistered']);
  });

  test('a stream that is not there yet is waited for as well', async () => {
    await using harness = await JournalHarness.start();
    await using publisher = openPublisher({ cluster: 'demo', servers: harness.url });
    const joining = publisher.join(SPEC);
    await vi.waitFor(() => expect(publisher.problem).toContain('no stream'), WAIT);
    await harness.createStream();
    await joining;
    expect(await harness.types()).toEqual(['BackendRegistered']);
  });

  test('an event whose answers were lost is not doubled', async () => {
    await using harness = await withStream();
    await using publisher = openPublisher({ cluster: 'demo', servers: harness.url });
    await publisher.join({ ...SPEC, id: 'first' });
    await harness.server.pause();
    const joining = publisher.join(SPEC);
    await vi.waitFor(() => expect(publisher.problem).toContain('no answer within'), WAIT);
    harness.server.resume();
    await joining;
    expect(await harness.types()).toEqual(['BackendRegistered', 'BackendRegistered']);
  });

  test('a member goes on: kill -9 and a restart change nothing', async () => {
    await using harness = await withStream();
    await using member = await join({ ...SPEC, servers: harness.url, leaseMs: 60_000, heartbeatMs: 100 });
    let heard = 0;
    await harness.onHeartbeat(() => heard++);
    await vi.waitFor(() => expect(heard).toBeGreaterThan(0), WAIT);
    await harness.server.end('SIGKILL');
    await harness.server.restart();
    heard = 0;
    await vi.waitFor(() => expect(heard).toBeGreaterThan(0), WAIT);
    expect(member.state).toBe('registered');
    expect(await harness.types()).toEqual(['BackendRegistered']);
  });

  test('joining can be given up', async () => {
    await using harness = await withStream();
    await harness.server.end('SIGKILL');
    const reason = new Error('changed my mind');
    const giveUp = new AbortController();
    const joining = join({ ...SPEC, servers: harness.url, signal: giveUp.signal });
    giveUp.abort(reason);
    await expect(joining).rejects.toMatchObject({ name: 'PublisherError', code: 'aborted', cause: reason });
  });
});

describe.skipIf('unavailable' in program)('permissions', () => {
  const configLines = `authorization {
    admin = { publish: ">", subscribe: ">" }
    spells = { publish: ["muster.demo.backend.spells.*", "muster-live.demo.lease.spells.*"], subscribe: "_INBOX_spells.>" }
    mute = { publish: ["muster.demo.backend.spells.*"], subscribe: "_INBOX_spells.>" }
    users = [
      { user: admin, password: secret-1, permissions: $admin }
      { user: spells, password: secret-2, permissions: $spells }
      { user: mute, password: secret-3, permissions: $mute }
    ]
  }`;

  async function withUsers() {
    const harness = await JournalHarness.start({ configLines, user: { user: 'admin', pass: 'secret-1' } });
    await harness.createStream();
    const urlOf = (user: string, pass: string) => harness.url.replace('nats://', `nats://${user}:${pass}@`);
    return { harness, urlOf, [Symbol.asyncDispose]: () => harness[Symbol.asyncDispose]() };
  }

  test('of one pool are enough for it, and for no other', async () => {
    await using users = await withUsers();
    const servers = users.urlOf('spells', 'secret-2');
    await using publisher = openPublisher({ cluster: 'demo', servers, inboxPrefix: '_INBOX_spells' });
    await publisher.join(SPEC);
    const refused = publisher.join({ ...SPEC, pool: 'potions' });
    await expect(refused).rejects.toMatchObject({
      code: 'not-permitted',
      isRetryable: false,
      message:
        'member "potions/spells-1": the server does not let this user publish on muster.demo.backend.potions.spells-1',
    });
    expect(await users.harness.types()).toEqual(['BackendRegistered']);
  });

  test('that are missing for the inbox are named', async () => {
    await using users = await withUsers();
    const joining = join({ ...SPEC, servers: users.urlOf('spells', 'secret-2') });
    await expect(joining).rejects.toThrow(/let this user subscribe to _INBOX\..*give the inboxPrefix/);
  });

  test('that are missing for heartbeats are told', async () => {
    await using users = await withUsers();
    const servers = users.urlOf('mute', 'secret-3');
    await using publisher = openPublisher({ cluster: 'demo', servers, inboxPrefix: '_INBOX_spells' });
    await publisher.join({ ...SPEC, leaseMs: 1_000, heartbeatMs: 100 });
    await vi.waitFor(() => expect(publisher.problem).toContain('muster-live.demo.lease.spells.spells-1'), WAIT);
  });
});

describe.skipIf('unavailable' in program)('a process', () => {
  const script = (url: string, rest: string) => `
    import { join } from ${JSON.stringify(import.meta.resolve('./index.ts'))};
    const member = await join({ ...${JSON.stringify(SPEC)}, servers: ${JSON.stringify(url)}, answerTimeoutMs: 200 });
    ${rest}`;

  function start(code: string) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
    return Object.assign(child, { [Symbol.dispose]: () => void child.kill('SIGKILL') });
  }

  test('ends by itself once its member has left', async () => {
    await using harness = await withStream();
    using child = start(script(harness.url, `console.log((await member.leave()).outcome);`));
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(output).toBe('acknowledged\n');
    expect(code).toBe(0);
    expect(await harness.types()).toEqual(['BackendRegistered', 'BackendDeregistered']);
  });

  test('ends by itself also when NATS is away, and knows that it could not say goodbye', async () => {
    await using harness = await withStream();
    const rest = `console.log('joined'); process.stdin.once('data', async () => {
      console.log((await member.leave()).outcome);
      process.stdin.destroy();
    });`;
    using child = start(script(harness.url, rest));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('joined');
    await harness.server.end('SIGKILL');
    const exited = once(child, 'exit');
    child.stdin.write('leave\n');
    expect((await lines.next()).value).toBe('unconfirmed');
    expect(await exited).toEqual([0, null]);
  });
});
