/** What may stand in `[resolver]`, and what is said of what may not. */
import { expect, test } from 'vitest';
import { formatProblem } from './config-problem.ts';
import { parseConfig } from './load-config.ts';

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
