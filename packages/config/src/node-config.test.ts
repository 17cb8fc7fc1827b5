/** The defaults that come from the machine. */
import { isLoopbackHost } from '@muster/membership';
import { expect, test } from 'vitest';
import { formatProblem } from './config-problem.ts';
import { parseConfig } from './load-config.ts';
import { hostNodeId } from './node-config.ts';

test.each([
  ['lb-1', 'lb-1'],
  ['LB_1.example.com', 'lb-1-example-com'],
  ['-', 'node'],
  ['ü', 'node'],
  ['x'.repeat(100), 'x'.repeat(64)],
])('host %s gives node %s', (host, id) => {
  expect(hostNodeId(host)).toBe(id);
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.example.com', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});

function resolverOf(text: string) {
  const loaded = parseConfig(`[node]\nid = "lb-1"\n${text}`, 'm.toml');
  return loaded.outcome === 'broken' ? loaded.problems.map(formatProblem) : loaded.node.resolver;
}

test('nothing of it has to be said', () => {
  expect(resolverOf('')).toEqual({});
  expect(
    resolverOf('[resolver]\nservers = ["10.0.0.2", "10.0.0.3:5353", "::1", "[2001:db8::1]:53"]\nndots = 5'),
  ).toEqual({
    servers: ['10.0.0.2', '10.0.0.3:5353', '::1', '[2001:db8::1]:53'],
    ndots: 5,
  });
});

test.each(['dns.example.com', '10.0.0.2:0', '10.0.0.2:70000', '::1:5353:x', '[10.0.0.2]:53', '10.0.0'])(
  '%s is no name server',
  (server) => {
    expect(resolverOf(`[resolver]\nservers = ["10.0.0.1", "${server}"]`)).toEqual([
      `m.toml:4: "${server}" is no address of a name server; write IP, IP:PORT or [IPV6]:PORT, for example "10.96.0.10"`,
    ]);
  },
);

test('the shortest time is not the longer one', () => {
  expect(resolverOf('[resolver]\nminTtlMs = 2000\nmaxTtlMs = 1000')).toEqual([
    'm.toml:4: minTtlMs (2000) is more than maxTtlMs (1000); an answer cannot be kept for at least the longer time',
  ]);
});

const MEBIBYTE = 1_048_576;

function observationsOf(text: string) {
  const loaded = parseConfig(`[node]\nid = "lb-1"\n${text}`, 'm.toml');
  return loaded.outcome === 'broken' ? loaded.problems.map(formatProblem) : loaded.node.observations;
}

test('they lie beside the journal or the last snapshot, for a day and in 256 MiB', () => {
  const limits = { hoursMax: 24, bytesMax: 256 * MEBIBYTE };
  expect(observationsOf('')).toEqual({ path: 'data/lb-1.observations', ...limits });
  expect(observationsOf('[journal]\npath = "/var/lib/muster/a.journal"')).toEqual({
    path: '/var/lib/muster/lb-1.observations',
    ...limits,
  });
  const shared = 'kind = "jetstream"\nservers = ["nats://127.0.0.1:4222"]\nlocalSnapshotPath = "state/a.snapshot"';
  expect(observationsOf(`[journal]\n${shared}`)).toEqual({ path: 'state/lb-1.observations', ...limits });
});

test('each can be said, and they can be switched off', () => {
  expect(observationsOf('[observations]\npath = "seen"\nhours = 2\nmaxMebibytes = 16')).toEqual({
    path: 'seen',
    hoursMax: 2,
    bytesMax: 16 * MEBIBYTE,
  });
  expect(observationsOf('[observations]\nenabled = false')).toBeNull();
});

test('a node with a journal in memory keeps none, unless it is told where', () => {
  const memory = '[journal]\nkind = "memory"\n[observations]\n';
  expect(observationsOf(memory)).toBeNull();
  expect(observationsOf(`${memory}path = "seen"`)).toMatchObject({ path: 'seen' });
  expect(observationsOf(`${memory}enabled = true`)).toEqual([
    'm.toml:6: observations are enabled, and a node with a journal in memory has no place for them; add path = "FOLDER"',
  ]);
});

test('what is out of range is refused', () => {
  expect(observationsOf('[observations]\nmaxMebibytes = 4')).toEqual([expect.stringContaining('at least 16')]);
  expect(observationsOf('[observations]\nhours = 0')).toEqual([expect.stringContaining('at least 1')]);
});
