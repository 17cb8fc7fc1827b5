/**
 * Two spells backends take turns; what one stores the other does not have; one that stops is left, and taken back when
 * it returns; with none left the connection is closed.
 */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { startSpells } from '../harness/backend.ts';
import { openClient } from '../harness/client.ts';
import { startTestNode, testFolder } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const PROBE_INTERVAL_MS = 1_000;
/** What a busy machine may add: processes that wait for a core. */
const SLACK_MS = 2_000;

interface Answer {
  readonly backend: string;
  readonly status: number;
  readonly body: string;
}

/** One request on a connection of its own. */
async function ask(port: number, path: string, body?: object): Promise<Answer> {
  const outgoing = request({ host: '127.0.0.1', port, path, agent: false, method: body ? 'POST' : 'GET' });
  outgoing.setHeader('content-type', 'application/json');
  outgoing.end(body && JSON.stringify(body));
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk as string;
  return { backend: String(answer.headers['x-backend']), status: answer.statusCode!, body: text };
}

test('backends alternate, are left when they stop, and taken back when they return', async () => {
  await using folder = await testFolder();
  const first = await startSpells('spells-1');
  await using second = await startSpells('spells-2');
  await using _firstAtTheEnd = first;
  await using node = await startTestNode({
    folder,
    config: `
[[pools]]
id = "spells"
health = { http = "/healthz", intervalMs = ${PROBE_INTERVAL_MS}, timeoutMs = 200 }
backends = [{ id = "spells-1", target = "${first.target}" }, { id = "spells-2", target = "${second.target}" }]
[[listeners]]
id = "web"
bind = "127.0.0.1:0"
pool = "spells"`,
  });
  const { port } = await node.address('web');
  const eligible = async (count: number) => {
    const pools = (await (await fetch(`${node.admin}/v1/roster`)).json()) as RosterAnswer;
    return pools.pools[0]!.backends.filter(({ eligibility }) => eligibility.isEligible).length === count;
  };
  await eventually('both are healthy', () => eligible(2));

  const turns: string[] = [];
  for (let turn = 0; turn < 10; turn++) turns.push((await ask(port, '/spells')).backend);
  expect(new Set(turns.slice(0, 2)).size).toBe(2);
  expect(turns).toEqual(Array.from({ length: 10 }, (_, index) => turns[index % 2]));

  const spell = { id: 'obliviate', name: 'Obliviate', description: 'forget' };
  const stored = await ask(port, '/spells', spell);
  expect(stored.status).toBe(201);
  const elsewhere = await ask(port, '/spells');
  expect(elsewhere.backend).not.toBe(stored.backend);
  expect(elsewhere.body).not.toContain('obliviate');
  const there = await ask(port, '/spells');
  expect(there.backend).toBe(stored.backend);
  expect(there.body).toContain('obliviate');

  const stoppedMs = performance.now();
  await first.process.end('SIGKILL');
  await eventually('the stopped backend is left', () => eligible(1));
  const leftAfterMs = performance.now() - stoppedMs;
  expect(leftAfterMs).toBeLessThan(2 * PROBE_INTERVAL_MS + SLACK_MS);
  for (let turn = 0; turn < 4; turn++) expect((await ask(port, '/spells')).backend).toBe('spells-2');

  await using _returned = await startSpells('spells-1', first.port);
  await eventually('it is taken back', () => eligible(2));
  expect(new Set([await ask(port, '/spells'), await ask(port, '/spells')].map(({ backend }) => backend)).size).toBe(2);

  await _returned.process.end('SIGKILL');
  await second.process.end('SIGKILL');
  await eventually('none is left', () => eligible(0));
  await using client = await openClient({ host: '127.0.0.1', port });
  await client.closed();
  expect(client.received()).toBe('');
  await eventually('the log says so', () => node.process.output().includes('no eligible backend'));
  await eventually('and names the reason', () => node.process.output().includes('connection refused'));
});

interface RosterAnswer {
  readonly pools: readonly {
    readonly backends: readonly { readonly eligibility: { readonly isEligible: boolean } }[];
  }[];
}
