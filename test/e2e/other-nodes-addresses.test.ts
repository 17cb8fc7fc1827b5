/**
 * In a cluster the admin API and the listeners of another node are no backends either: nodes tell each other what they have bound, and
 * whoever may publish a backend reaches neither through them. It is shown by status and by `explain backend`, and is over when the
 * other node has stopped.
 */
import { newestNatsServer } from '@muster/nats-server';
import { expect, test } from 'vitest';
import { TestCluster } from '../harness/cluster.ts';
import type { TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const program = await newestNatsServer();
const why = 'unavailable' in program ? ` (skipped: ${program.unavailable})` : '';

interface PoolAnswer {
  readonly backends: readonly { readonly id: string; readonly refusal: string | null; readonly isCandidate: boolean }[];
}

async function refusalOf(node: TestNode, backend: string): Promise<string | null> {
  const { backends } = (await (await fetch(`${node.admin}/v1/pools/p`)).json()) as PoolAnswer;
  return backends.find(({ id }) => id === backend)?.refusal ?? null;
}

test.skipIf('unavailable' in program)(`a node refuses what another one has bound${why}`, async () => {
  await using cluster = await TestCluster.start({ servers: 1, backends: 1, poolLines: '' });
  const [asked, other] = await cluster.startNodes(2);
  const adminTarget = `127.0.0.1:${new URL(other!.admin).port}`;
  const { port } = await other!.address('front');
  for (const [id, target] of [
    ['admin', adminTarget],
    ['loop', `127.0.0.1:${port}`],
  ] as const)
    await asked!.command({ type: 'RegisterBackend', pool: 'p', backend: id, target });
  await eventually('lb-1 knows what lb-2 has bound', async () => (await refusalOf(asked!, 'loop')) !== null);
  expect(await refusalOf(asked!, 'admin')).toBe('it is the admin API of node lb-2');
  expect(await refusalOf(asked!, 'loop')).toBe('it is a listener of node lb-2');
  expect(await refusalOf(asked!, 'b-1')).toBeNull();

  const { code, output } = await asked!.muster('explain', 'backend', 'p/admin');
  expect([code, output]).toEqual([
    0,
    expect.stringContaining('takes no traffic: node lb-1 does not dial its target now'),
  ]);
  expect((await asked!.muster('status')).output.replaceAll(/\s+/g, ' ')).toContain(
    'not dialled: it is the admin API of node lb-2',
  );

  await cluster.agreed();
  // Its own addresses are its own to the other node.
  expect(await refusalOf(other!, 'admin')).toBe("it is this node's own admin API");

  // A node that has stopped on its own word has bound nothing.
  await other!.stop();
  await eventually('lb-1 forgets what lb-2 had bound', async () => (await refusalOf(asked!, 'admin')) === null);
});
