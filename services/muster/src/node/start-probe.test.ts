/** From what a pool says to what its probes do: its limits of answers, and the way that its targets are reached. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { StartProbe } from '@muster/actors';
import { healthPolicySchema } from '@muster/membership';
import { ANY_TARGET, systemDialler, systemResolver, type TargetGuard } from '@muster/transport';
import { expect, test } from 'vitest';
import { configuredProbes } from './start-probe.ts';

const POLICY = healthPolicySchema.parse({ http: '/healthz', timeoutMs: 10_000 });
const LONG_HEAD = `HTTP/1.1 103 A\r\n\r\nHTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(150)}B: ${'x'.repeat(20_000)}\r\n\r\n`;

async function probed(limits: Parameters<StartProbe>[2], guard: Pick<TargetGuard, 'refusalOf'> = ANY_TARGET) {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy()).once('data', () => socket.end(LONG_HEAD));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const startProbe = configuredProbes(systemDialler({ resolver: systemResolver(), guard }));
  const outcome = await startProbe(`127.0.0.1:${port}`, POLICY, limits).outcome;
  server.close();
  await once(server, 'close');
  return outcome.passed ? 'passed' : `${outcome.code}: ${outcome.reason}`;
}

test('an answer is held to the limits of its pool', async () => {
  const limits = { maxAnswerHeadBytes: 32_768, maxAnswerFields: 200 };
  expect(await probed(limits)).toBe('passed');
  expect(await probed({})).toBe('bad_answer: the answer is not well-formed: the head is larger than the limit');
  expect(await probed({ ...limits, maxAnswerFields: 150 })).toMatch(/^bad_answer: .*more fields/);
  expect(await probed({ ...limits, maxInterimAnswers: 0 })).toMatch(/^bad_answer: .*too many interim answers/);
});

test('a target that the guard refuses is not probed', async () => {
  const guard = { refusalOf: () => ({ reason: 'it is this node' }) };
  expect(await probed({}, guard)).toBe('target_refused: not dialled: it is this node');
});
