/**
 * A history of 50,000 events on each version of the NATS server that can be had, asked for as its users do: every reader comes to its end.
 */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natsServerProgram, startNatsServer } from '@muster/nats-server';
import { connect, headers } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { startTestNode, testFolder } from '../harness/node.ts';

const CLUSTER = 'long';
const EVENTS = 50_000;
/** Publications between two round trips. */
const BURST = 5_000;

async function publishHistory(url: string): Promise<void> {
  const connection = await connect({ servers: [url] });
  for (let index = 0; index < EVENTS; index++) {
    const backend = `backend.p.b-${index % 100}`;
    const registered = { type: 'BackendRegistered', target: `10.0.0.${index % 200}:8001`, weight: 1 + (index % 7) };
    const [entity, event] = index === 0 ? ['pool.p', { type: 'PoolDefined' }] : [backend, registered];
    const header = headers();
    header.set('Nats-Msg-Id', `e-${index}`);
    connection.publish(`muster.${CLUSTER}.${entity}`, JSON.stringify(event), { headers: header });
    if (index % BURST === 0) await connection.flush();
  }
  await connection.drain();
}

test.for(['system', '2.10', '2.15'] as const)(
  '50,000 events on %s are read to their end',
  async (version, { skip }) => {
    const program = await natsServerProgram(version);
    if ('unavailable' in program) return skip(program.unavailable);
    await using folder = await testFolder();
    await using nats = await startNatsServer({ program, folder: folder.path });
    const journal = { servers: [nats.url], cluster: CLUSTER };
    {
      await using first = await startTestNode({ folder, journal });
      await publishHistory(nats.url);
      await first.stop();
    }
    // It begins with the first one's snapshot, or folds all of them; either way it comes to the end.
    await using node = await startTestNode({ folder, journal, id: 'lb-2' });
    const linesOf = async (...args: string[]): Promise<number> => {
      const ran = await node.muster(...args);
      expect([args, ran.code, ran.code === 0 ? '' : ran.output.slice(-500)]).toEqual([args, 0, '']);
      return ran.output.trimEnd().split('\n').length;
    };
    expect(await linesOf('events', '--from', '1', '--limit', String(EVENTS))).toBe(EVENTS);
    expect(await linesOf('events', '--since', '-1h', '--type', 'BackendRegistered')).toBe(EVENTS - 1);
    expect(await linesOf('events', '--from', '1', '--backend', 'p/b-1')).toBe(EVENTS / 100);
    expect(await linesOf('events', '--from', '1', '--rejected', '--json')).toBe(1);
    await using kept = await mkdtempDisposable(join(tmpdir(), 'muster-long-'));
    const file = join(kept.path, 'incident.muster');
    await linesOf('export', '--from', '1', '-o', file);
    expect(await linesOf('events', '--from', '1', '--file', file)).toBeGreaterThanOrEqual(EVENTS);
    await linesOf('replay', '--at', String(EVENTS / 2));
    await linesOf('diff', '1000', String(EVENTS - 1_000));
    await linesOf('explain', 'backend', 'p/b-7', '--at', String(EVENTS - 5_000));
    expect((await node.muster('status')).output).toContain('up to date');
  },
);
