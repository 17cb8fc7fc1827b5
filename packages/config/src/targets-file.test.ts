/** The short form: a list of targets is a whole config. */
import { expect, test } from 'vitest';
import { formatProblem } from './config-problem.ts';
import { parseConfig } from './load-config.ts';

const target = (address: string, endpoint?: string): string =>
  `[[targets]]\naddress = "${address}"\n${endpoint === undefined ? '' : `health_check_endpoint = "${endpoint}"\n`}`;

function problemsOf(text: string): string[] {
  const loaded = parseConfig(text, 'm.toml');
  return loaded.outcome === 'broken' ? loaded.problems.map(formatProblem) : [];
}

test('targets become one pool with an HTTP health check and one listener', () => {
  const text =
    target('http://127.0.0.1:8001', '/healthz') +
    target('127.0.0.1:8002', 'http://127.0.0.1:8002/healthz') +
    target('http://[::1]:8003/', 'healthz');
  expect(parseConfig(text, 'm.toml')).toMatchObject({
    outcome: 'loaded',
    declared: {
      pools: [
        {
          id: 'targets',
          spec: { health: { http: '/healthz', intervalMs: 5000 } },
          backends: [
            { id: 'target-1', target: '127.0.0.1:8001' },
            { id: 'target-2', target: '127.0.0.1:8002' },
            { id: 'target-3', target: '[::1]:8003' },
          ],
        },
      ],
      listeners: [{ id: 'targets', spec: { bind: '127.0.0.1:8080', protocol: 'http', pool: 'targets' } }],
    },
  });
});

test('without an endpoint the check is a TCP connect', () => {
  const loaded = parseConfig(target('localhost:1') + target('http://localhost'), 'm.toml');
  expect(loaded).toMatchObject({
    declared: { pools: [{ spec: { health: { tcp: true } }, backends: [{}, { target: 'localhost:80' }] }] },
  });
});

test.each([
  ['TLS', target('https://a:1'), 'm.toml:2: address is "https://a:1"; give HOST:PORT'],
  ['a path', target('http://a:1/x'), 'm.toml:2: address ends in /x'],
  ['no port', target('a'), 'm.toml:2: address is "a"; an address is HOST:PORT'],
  [
    'an endpoint elsewhere',
    target('a:1', 'http://b:1/x'),
    'm.toml:3: health_check_endpoint "http://b:1/x" is not at a:1',
  ],
  ['an endpoint with a space', target('a:1', '/x y'), 'm.toml:3: health_check_endpoint is "/x y"'],
  ['different endpoints', target('a:1', '/x') + target('b:1', '/y'), 'm.toml:6: health_check_endpoint differs'],
  ['an endpoint for some', target('a:1', '/x') + target('b:1'), 'm.toml:4: health_check_endpoint differs'],
  ['pools beside them', `${target('a:1')}[[pools]]\nid = "p"`, 'm.toml:1: [[targets]] is the short form'],
  [
    'a misspelt key',
    target('a:1').replace('address', 'adress'),
    '"adress" is not known in targets[1]; did you mean "address"?',
  ],
])('%s is refused', (_name, text, expected) => {
  expect(problemsOf(text).join('\n')).toContain(expected);
});
