/**
 * The scenarios that the project began with, over HTTP: a list of targets is taken in turns, nobody healthy is a 503 that says so, a
 * peer that is down costs nothing, a peer that is slow is waited for, and a POST that may have arrived is not sent again.
 */
import { expect, test } from 'vitest';
import { refusingTarget, startBackend, startSpells } from '../harness/backend.ts';
import { startHttpBackend, startNamedHttp } from '../harness/http/http-backend.ts';
import { ask } from '../harness/http/http-client.ts';
import { oneHttpPool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';
import { rosterOf } from '../harness/roster.ts';

const targetsOf = (targets: readonly string[]) =>
  targets.map((target) => `[[targets]]\naddress = "http://${target}"\nhealth_check_endpoint = "/healthz"\n`).join('');

const isSettled = async (node: TestNode, isEligible: boolean) => {
  const [pool] = (await rosterOf(node)).pools;
  return pool!.backends.every(
    ({ health, eligibility }) => health.value !== 'unknown' && eligibility.isEligible === isEligible,
  );
};

test('a list of targets is taken in turns', async () => {
  await using folder = await testFolder();
  await using first = await startSpells('spells-1');
  await using second = await startSpells('spells-2');
  await using node = await startTestNode({ folder, config: targetsOf([first.target, second.target]) });
  const address = await node.address('targets');
  await eventually('both are healthy', () => isSettled(node, true));
  const turns: (string | null)[] = [];
  for (let turn = 0; turn < 8; turn++) turns.push((await ask(address, { path: '/spells' })).backend);
  expect(new Set(turns.slice(0, 2))).toEqual(new Set(['spells-1', 'spells-2']));
  expect(turns).toEqual(Array.from({ length: 8 }, (_, index) => turns[index % 2]));
});

test('with none of them healthy the answer is a 503 that says so', async () => {
  await using folder = await testFolder();
  await using node = await startTestNode({
    folder,
    config: targetsOf([await refusingTarget(), await refusingTarget()]),
  });
  await eventually('none is healthy', () => isSettled(node, false));
  const { status, headers, body } = await ask(await node.address('targets'), { path: '/spells' });
  expect(status).toBe(503);
  expect(body).toContain('no healthy backend');
  expect(headers).toMatchObject({ 'muster-reason': 'no_healthy_backend', 'retry-after': '1' });
});

const poolLines = 'connectTimeoutMs = 400';

test('the first peer is down: 200 from the second', async () => {
  await using folder = await testFolder();
  await using second = await startNamedHttp('second');
  const config = oneHttpPool([await refusingTarget(), second.target], { poolLines });
  await using node = await startTestNode({ folder, config });
  const address = await node.address('front');
  for (let time = 0; time < 4; time++) {
    for (const body of [undefined, 'a spell']) {
      expect(await ask(address, body === undefined ? {} : { body })).toMatchObject({ status: 200, backend: 'second' });
    }
  }
  expect(second.requestsCount()).toBe(8);
});

test('the first peer accepts and sleeps for 1 s: 200 from the first after 1 s', async () => {
  await using folder = await testFolder();
  await using sleeper = await startHttpBackend((_request, response) => {
    setTimeout(() => response.setHeader('X-Backend', 'sleeper').end('awake\n'), 1_000);
  });
  await using never = await startNamedHttp('never');
  const config = oneHttpPool([sleeper.target, never.target], { poolLines });
  await using node = await startTestNode({ folder, config });
  const begunMs = performance.now();
  expect(await ask(await node.address('front'))).toMatchObject({ status: 200, backend: 'sleeper', body: 'awake\n' });
  expect(performance.now() - begunMs).toBeGreaterThan(990);
  expect([sleeper.requestsCount(), never.requestsCount()]).toEqual([1, 0]);
});

test('a POST that a backend may have seen is not sent to another one', async () => {
  await using folder = await testFolder();
  await using closing = await startBackend((socket) => {
    socket.once('data', () => socket.destroy());
  });
  await using never = await startNamedHttp('never');
  const config = oneHttpPool([closing.target, never.target], { poolLines: 'ejection = false' });
  await using node = await startTestNode({ folder, config });
  const answer = await ask(await node.address('front'), { body: 'a spell' });
  expect(answer).toMatchObject({ status: 502, headers: { 'muster-reason': 'no_answer' } });
  expect(closing.acceptedCount()).toBe(1);
  expect(never.requestsCount()).toBe(0);
});

test('a POST on a kept-alive connection that dies is not sent again either; a GET is', async () => {
  await using folder = await testFolder();
  // Answers the first request of every connection, and ends with the second.
  await using backend = await startBackend((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst');
      socket.once('data', () => socket.destroy());
    });
  });
  await using node = await startTestNode({ folder, config: oneHttpPool([backend.target]) });
  const address = await node.address('front');
  expect(await ask(address)).toMatchObject({ status: 200, body: 'first' });
  expect(await ask(address)).toMatchObject({ status: 200, body: 'first' });
  expect(backend.acceptedCount()).toBe(2);
  expect(await ask(address, { body: 'a spell' })).toMatchObject({ status: 502 });
  expect(backend.acceptedCount()).toBe(2);
});
