/** A service that announces itself, from its start to its end: spells with `--join`, as the stream sees it. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { natsServerProgram, startNatsServer } from '@muster/nats-server';
import { expect, test } from 'vitest';
import { fileURLToPath } from 'node:url';
import { testFolder } from '../harness/node.ts';
import { eventually, startProcess } from '../harness/processes/process.ts';

const SPELLS_MAIN = fileURLToPath(import.meta.resolve('@muster/spells/main'));

async function eventsOf(connection: NatsConnection): Promise<unknown[]> {
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info('muster-default');
  const sequences = Array.from({ length: state.last_seq }, (_, index) => index + 1);
  const messages = await Promise.all(sequences.map((seq) => manager.streams.getMessage('muster-default', { seq })));
  return messages.map((message) => ({ subject: message?.subject, ...message?.json<object>() }));
}

const program = await natsServerProgram('system');

test.skipIf('unavailable' in program)(
  'spells registers once it listens; SIGTERM drains it, and it answers until it has left',
  async () => {
    if ('unavailable' in program) throw new Error(program.unavailable);
    await using folder = await testFolder();
    await using nats = await startNatsServer({ program, folder: folder.path });
    const connection = await connect({ servers: nats.url });
    await using _closed = { [Symbol.asyncDispose]: () => connection.close() };
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'muster-default', subjects: ['muster.default.>'] });

    await using spells = startProcess(SPELLS_MAIN, ['--port', '0', '--name', 'spells-1', '--join', nats.url]);
    const target = await eventually('it is registered', () => /registered at (\S+)/.exec(spells.output())?.[1]);
    const subject = 'muster.default.backend.spells.spells-1';
    const registered = { subject, type: 'BackendRegistered', target, weight: 1, leaseMs: 15_000 };
    expect(await eventsOf(connection)).toEqual([registered]);

    spells.child.kill('SIGTERM');
    const drained = { subject, type: 'BackendModeSet', mode: 'drain', reason: 'SIGTERM' };
    await eventually('it drains', async () => (await eventsOf(connection)).length === 2);
    expect((await fetch(`http://${target}/healthz`)).status).toBe(200);
    expect(await spells.exited()).toBe(0);
    const left = { subject, type: 'BackendDeregistered', reason: 'SIGTERM' };
    expect(await eventsOf(connection)).toEqual([registered, drained, left]);
  },
);
