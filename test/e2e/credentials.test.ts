/** A node and a publisher with `.creds` files, on a server that knows nobody but its operator. */
import { natsServerProgram, newestNatsServer } from '@muster/nats-server';
import { join, openPublisher } from '@muster/publisher';
import { describe, expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { nameBehind } from '../harness/client.ts';
import { SECURED_CLUSTER as CLUSTER } from '../harness/nats/nats-auth.ts';
import { startCredentialedNats } from '../harness/nats/nats-credentials.ts';
import { startTestNode, testFolder } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const CONFIG = `
[[pools]]
id = "spells"
[[listeners]]
id = "front"
bind = "127.0.0.1:0"
pool = "spells"`;

const programs = { system: await natsServerProgram('system'), newest: await newestNatsServer() };

describe.each(['system', 'newest'] as const)('the %s nats-server', (which) => {
  const program = programs[which];

  test.skipIf('unavailable' in program)('a node and a publisher by their credentials', async () => {
    if ('unavailable' in program) return;
    await using folder = await testFolder();
    await using nats = await startCredentialedNats(program, folder.path);
    const { server, credentials } = nats;
    const lines = `credentials = "${credentials.LB_1}"\ninboxPrefix = "_INBOX_lb-1"`;
    await using node = await startTestNode({
      folder,
      config: CONFIG,
      journal: { servers: [server.url], cluster: CLUSTER, lines },
    });
    await using backend = await startNamedEcho('spell');
    const access = {
      servers: server.url,
      cluster: CLUSTER,
      credentialsFile: credentials.SPELLS,
      inboxPrefix: '_INBOX_spells',
    };
    const { target } = backend;
    await using member = await join({ ...access, pool: 'spells', id: 'spells-1', target, leaseMs: 1_000 });
    await eventually('the node has it', async () => (await node.status()).backendsCount === 1);
    expect(await nameBehind(await node.address('front'))).toBe('spell');
    await node.command({ type: 'DeregisterBackend', pool: 'spells', backend: 'spells-1' });
    await eventually('it hears that it was removed', () => member.state === 'removed');

    await using publisher = openPublisher(access);
    const joined = publisher.join({ pool: 'orders', id: 'o-1', target });
    await expect(joined).rejects.toMatchObject({ code: 'not-permitted' });
    expect(await node.stop()).toBe(0);
    expect(node.process.output()).not.toMatch(/permit|Permission/i);
  });
});
