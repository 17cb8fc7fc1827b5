/** What is wrong with an http listener and its pools, in words: where they are written, what does not fit, what to do. */
import { describe, expect, test } from 'vitest';
import { formatProblem, parseConfig } from '@muster/config';

const HTTP = `
[[pools]]
id = "api"
policy = "consistent_hash"
hashKey = "header:X-User"
ejection = false
panicThreshold = 0.3
slowStartMs = 30000
[[pools]]
id = "web"
ejection = { consecutiveFailures = 3 }
[[listeners]]
id = "front"
bind = "127.0.0.1:8080"
protocol = "http"
trustedProxies = ["10.0.0.0/8"]
routes = [
  { host = "api.example.com", path = "/v1", pool = "api", stripPrefix = true },
  { pool = "web" },
]
`;

describe('http listeners', () => {
  test('are written in the words of their event', () => {
    const loaded = parseConfig(HTTP, 'm.toml');
    const declared = loaded.outcome === 'loaded' ? loaded.declared : { pools: [], listeners: [] };
    expect(declared.pools).toMatchObject([
      { spec: { policy: 'consistent_hash', hashKey: 'header:X-User', ejection: false, panicThreshold: 0.3 } },
      { spec: { ejection: { consecutiveFailures: 3, baseMs: 30_000 } } },
    ]);
    expect(declared.listeners[0]!.spec).toEqual({
      bind: '127.0.0.1:8080',
      protocol: 'http',
      idleTimeoutMs: 3_600_000,
      trustedProxies: ['10.0.0.0/8'],
      routes: [{ host: 'api.example.com', path: '/v1', pool: 'api', stripPrefix: true }, { pool: 'web' }],
    });
  });

  test.each<[what: string, text: string, problem: string]>([
    [
      'routes without the protocol',
      HTTP.replace('protocol = "http"', '').replace(/trusted.*/, ''),
      'm.toml:17: listeners[1].routes does not fit; routes needs protocol = "http"',
    ],
    [
      'neither a pool nor routes',
      HTTP.replace(/routes = [^]*/, ''),
      'm.toml:12: listeners[1].pool is missing; an http listener needs a pool that takes all its requests, or routes',
    ],
    [
      'both a pool and routes',
      HTTP.replace('protocol = "http"', 'protocol = "http"\npool = "api"'),
      'm.toml:16: listeners[1].pool is "api"; an http listener has a pool or routes, not both',
    ],
    [
      'a field of http on a tcp listener',
      '[[listeners]]\nid = "web"\nbind = "127.0.0.1:80"\npool = "p"\nmaxBodyBytes = 5',
      'm.toml:5: listeners[1].maxBodyBytes is 5; maxBodyBytes needs protocol = "http"',
    ],
    [
      'the same route twice',
      HTTP.replace('{ pool = "web" }', '{ pool = "web" }, { path = "/", pool = "api" }'),
      'm.toml:19: listeners[1].routes[3] does not fit; route 3 has the host and path of route 2',
    ],
    [
      'a route to an unknown pool',
      HTTP.replace('{ pool = "web" }', '{ pool = "wab" }'),
      'm.toml:19: listener "front" names pool "wab", which is not declared; did you mean "web"?',
    ],
    [
      'a slash at the end of a path',
      HTTP.replace('"/v1"', '"/v1/"'),
      'm.toml:18: listeners[1].routes[1].path is "/v1/"; a path prefix is written as in a URL and without a "/" at its end',
    ],
    [
      'a range that is none',
      HTTP.replace('10.0.0.0/8', '10.0.0.0/80'),
      'm.toml:16: listeners[1].trustedProxies[1] is "10.0.0.0/80"; a CIDR is ADDRESS/BITS',
    ],
    [
      'a misspelt key of the ejection policy',
      HTTP.replace('consecutiveFailures', 'consecutiveFailure'),
      'm.toml:11: "consecutiveFailure" is not known in pools[2].ejection; did you mean "consecutiveFailures"?',
    ],
    [
      'an ejection that is no policy',
      HTTP.replace('= false', '= true'),
      'm.toml:6: pools[1].ejection is true; it may be false, or a table with consecutiveFailures, baseMs, maxMs, maxRatio',
    ],
  ])('%s is refused with line, fault and remedy', (_what, text, problem) => {
    const loaded = parseConfig(text, 'm.toml');
    const problems = loaded.outcome === 'broken' ? loaded.problems.map(formatProblem) : [];
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });
});
