/**
 * The first story of docs/debugging.md: a backend is where nothing answers, and it is asked, step by step, which layer is to
 * blame: from the client's 502 to the event that did it and who published that, then the same from a file without the node.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { refusingTarget } from '../harness/backend.ts';
import { startNamedHttp } from '../harness/http/http-backend.ts';
import { ask } from '../harness/http/http-client.ts';
import { oneHttpPool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

/** As an automation of its own does it, by its own name. */
async function register({ admin }: TestNode, target: string, origin: string): Promise<number> {
  const answer = await fetch(`${admin}/v1/commands`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'muster-origin': origin },
    body: JSON.stringify({ type: 'RegisterBackend', pool: 'p', backend: 'b-2', target }),
  });
  const { revision } = (await answer.json()) as { revision: number };
  await eventually('the workers know', async () => {
    const response = await fetch(`${admin}/v1/status`);
    const { workers } = (await response.json()) as { workers: readonly { revision: number }[] };
    return workers.every((worker) => worker.revision >= revision);
  });
  return revision;
}

async function output(node: TestNode, ...args: string[]): Promise<string> {
  const { code, output: text } = await node.muster(...args);
  expect([args, code, text]).toEqual([args, 0, text]);
  return text;
}

test('the stale backend: from a 502 to the event that did it, and who published it', async () => {
  await using folder = await testFolder();
  await using steady = await startNamedHttp('b-1');
  await using moved = await startNamedHttp('b-2');
  const oldTarget = await refusingTarget();
  const config = oneHttpPool([steady.target, oldTarget], { poolLines: 'connectAttempts = 1\nejection = false' });
  await using node = await startTestNode({ folder, config });
  const address = await node.address('front');
  await register(node, moved.target, 'deploy:web-42');
  const stale = await register(node, oldTarget, 'inventory-sync');

  // What a client sees, and what the node wrote down.
  let askedCount = 0;
  const requestId = await eventually('a request fails', async () => {
    const id = `spell-${(askedCount += 1)}`;
    const { status } = await ask(address, { path: '/spells', headers: { 'x-request-id': id } });
    return status === 502 ? id : null;
  });
  const line = await eventually('its line in the access log', () => {
    return node.process
      .output()
      .split('\n')
      .find((each) => each.includes(`"${requestId}"`));
  });
  expect(line).toContain('"outcome":"connect_failed"');

  // The worker did as it was told: the same set and the same pick again, from the roster that it had.
  const request = await output(node, 'explain', 'request', requestId);
  expect(request).toContain('set:    made again, equal to what the worker had');
  expect(request).toContain('pick:   made again: b-2, as recorded');
  expect(request).toContain(`roster: revision ${stale}`);
  expect(request).toMatch(new RegExp(`b-2 +${oldTarget} +1 +picked`));
  const fromLine = await output(node, 'explain', 'request', '--line', line);
  expect(fromLine).toBe(request);

  // Why it was a candidate, since when, and by whose word it has that target.
  const backend = await output(node, 'explain', 'backend', 'p/b-2');
  expect(backend).toContain('takes traffic');
  expect(backend).toContain(`registered by event ${stale} of inventory-sync`);

  // What that event changed, and what was there before it.
  const diff = await output(node, 'diff', `${stale - 1}`, `${stale}`);
  expect(diff).toMatch(new RegExp(`target +${moved.target} → ${oldTarget} +by event ${stale} of inventory-sync`));
  const events = await output(node, 'events', '--backend', 'p/b-2', '--type', 'BackendRegistered');
  expect(
    events
      .trim()
      .split('\n')
      .map((each) => /\(([^)]*)\)$/.exec(each)?.[1]),
  ).toEqual(['config:lb-1', 'deploy:web-42', 'inventory-sync']);

  // All of it in one file, which answers the same with the node gone.
  const file = join(folder.path, 'incident.muster');
  expect(await output(node, 'export', '--from', `${stale - 1}`, '-o', file)).toContain('2 events');
  expect(await node.stop()).toBe(0);
  const without = async (...args: string[]) => (await node.muster(...args, '--file', file)).output;
  expect(await without('explain', 'request', requestId)).toBe(request);
  expect(await without('diff', `${stale - 1}`, `${stale}`)).toBe(diff);
  expect(await without('replay', '--step')).toContain(`target  ${moved.target} → ${oldTarget}`);
  expect(await without('explain', 'backend', 'p/b-2')).toContain(`registered by event ${stale} of inventory-sync`);
});
