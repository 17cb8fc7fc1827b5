/** The config file: what a right one means, and that a wrong one is refused with the line and the way out. */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatProblem } from './config-problem.ts';
import { CONFIG_BYTES_MAX, loadConfig, parseConfig, type LoadOptions } from './load-config.ts';

const WHOLE = `
[node]
id = "lb-1"
workers = 2
admin = "127.0.0.1:9901"

[journal]
kind = "embedded"
path = "data/here.journal"

[[pools]]
id = "spells"
connectTimeoutMs = 400
health = { http = "/healthz", rise = 1 }
backends = [
  { id = "spells-1", target = "127.0.0.1:8001" },
  { id = "spells-2", target = "127.0.0.1:8002", weight = 2 },
]

[[listeners]]
id = "web"
bind = "127.0.0.1:8080"
protocol = "tcp"
pool = "spells"
`;

function problemsOf(text: string, options: LoadOptions = {}): string[] {
  const loaded = parseConfig(text, 'm.toml', options);
  return loaded.outcome === 'broken' ? loaded.problems.map(formatProblem) : [];
}

function loadedFrom(text: string, options: LoadOptions = {}) {
  const loaded = parseConfig(text, 'm.toml', options);
  if (loaded.outcome === 'broken') throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded;
}

describe('a right config', () => {
  test('is loaded with the defaults of the events filled in', () => {
    const { node, declared } = loadedFrom(WHOLE);
    expect(node).toMatchObject({
      id: 'lb-1',
      cluster: 'default',
      workers: 2,
      admin: '127.0.0.1:9901',
      adminToken: null,
      isAdminBehindProxy: false,
      targets: { allow: [], only: null, deny: [], isNearGuarded: false },
    });
    expect(node).toMatchObject({ maxConnections: 32_768, drainTimeoutMs: 30_000, logLevel: 'info' });
    expect(node.journal).toEqual({ kind: 'embedded', path: 'data/here.journal' });
    expect(declared.pools[0]).toMatchObject({
      id: 'spells',
      spec: { policy: 'round_robin', connectTimeoutMs: 400, connectAttempts: 2, health: { rise: 1, fall: 3 } },
      backends: [
        { id: 'spells-1', weight: 1 },
        { id: 'spells-2', weight: 2 },
      ],
    });
    expect(declared.listeners).toMatchObject([{ id: 'web', spec: { bind: '127.0.0.1:8080', pool: 'spells' } }]);
  });

  test('may be empty: everything has a default', () => {
    const { node, declared } = loadedFrom('');
    expect(node.id).toMatch(/^[a-z0-9-]{1,64}$/);
    expect(node.workers).toBeGreaterThan(0);
    expect(node.journal).toEqual({ kind: 'embedded', path: `data/${node.id}.journal` });
    expect(declared).toEqual({ pools: [], listeners: [] });
  });

  test('may keep the journal in memory and the admin API off', () => {
    const { node } = loadedFrom('node.admin = false\njournal.kind = "memory"');
    expect(node).toMatchObject({ admin: null, journal: { kind: 'memory' } });
  });

  test('may bind an address once on each node, the address of the admin API of this one included', () => {
    const listener = (id: string, node: string) =>
      `[[listeners]]\nid = "${id}"\nbind = "127.0.0.1:80"\npool = "there"\nnodes = ["${node}"]\n`;
    const text = `[node]\nid = "a"\nadmin = "127.0.0.1:80"\n${listener('on-b', 'b')}${listener('on-c', 'c')}`;
    const otherPools = new Set(['there']);
    expect(loadedFrom(text, { otherPools }).declared.listeners).toMatchObject([
      { id: 'on-b', spec: { nodes: ['b'] } },
      { id: 'on-c', spec: { nodes: ['c'] } },
    ]);
    expect(problemsOf(text.replace('"c"', '"a"'), { otherPools })).toEqual([
      expect.stringContaining('which the admin API has already'),
    ]);
  });

  test('may send a listener to a pool that exists without it', () => {
    const text = '[[listeners]]\nid = "web"\nbind = "127.0.0.1:80"\npool = "there"';
    expect(loadedFrom(text, { otherPools: new Set(['there']) }).declared.listeners).toHaveLength(1);
  });
});

describe('the admin token', () => {
  const open = '[node]\nadmin = "0.0.0.0:9900"';

  test('is needed where other machines can reach the API', () => {
    expect(problemsOf(open)).toEqual([expect.stringMatching(/^m\.toml:2: .*needs a token; set MUSTER_ADMIN_TOKEN/)]);
    expect(problemsOf('[node]\nadmin = "[::]:9900"')).toHaveLength(1);
    expect(problemsOf('[node]\nadmin = "[::1]:9900"')).toEqual([]);
  });

  test('comes from the environment or from a file', async () => {
    expect(loadedFrom(open, { environment: { MUSTER_ADMIN_TOKEN: 'secret' } }).node.adminToken).toBe('secret');
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'token');
    await writeFile(file, 'from-file\n', { mode: 0o600 });
    expect(loadedFrom(`${open}\nadminTokenFile = '${file}'`).node.adminToken).toBe('from-file');
    expect(problemsOf(`${open}\nadminTokenFile = '${file}-not'`).join('\n')).toMatch(
      /m\.toml:3: the token file .* ENOENT/,
    );
  });

  test('is of no interest to who only reads pools and listeners', () => {
    expect(problemsOf(open, { isRosterOnly: true })).toEqual([]);
  });
});

describe('a broken config is refused with line, fault and remedy', () => {
  test.each([
    ['syntax', '[node]\nid = ', 'm.toml:2: not TOML'],
    [
      'a misspelt key',
      WHOLE.replace('connectTimeoutMs', 'connectTimeoutMS'),
      'm.toml:13: "connectTimeoutMS" is not known in pools[1]; did you mean "connectTimeoutMs"?',
    ],
    [
      'a key in another style',
      WHOLE.replace('connectTimeoutMs', 'connect_timeout_ms'),
      'did you mean "connectTimeoutMs"?',
    ],
    ['a misspelt table', '[nodes]\nid = "a"', 'm.toml:1: "nodes" is not known; did you mean "node"?'],
    [
      'a misspelt array of tables',
      '\n[[listener]]\nid = "a"',
      'm.toml:2: "listener" is not known; did you mean "listeners"?',
    ],
    [
      'a missing key',
      '[[listeners]]\nid = "web"\npool = "x"',
      'm.toml:1: listeners[1].bind is missing; add it: where to listen',
    ],
    [
      'a bad target in an inline table',
      WHOLE.replace('127.0.0.1:8002', '127.0.0.1'),
      'm.toml:17: pools[1].backends[2].target is "127.0.0.1"; an address is HOST:PORT',
    ],
    [
      'a bad name',
      WHOLE.replace('"spells-1"', '"Spells 1"'),
      'm.toml:16: pools[1].backends[1].id is "Spells 1"; a name is',
    ],
    [
      'a number out of range',
      WHOLE.replace('= 400', '= 0'),
      'm.toml:13: pools[1].connectTimeoutMs is 0; it must be at least 1',
    ],
    [
      'a wrong type',
      WHOLE.replace('workers = 2', 'workers = "2"'),
      'm.toml:4: node.workers is a text; it must be a number',
    ],
    [
      'an unknown protocol',
      WHOLE.replace('"tcp"', '"tpc"'),
      'm.toml:23: listeners[1].protocol is "tpc"; did you mean "tcp"?',
    ],
    [
      'a misspelt key of the health check',
      WHOLE.replace('rise', 'rises'),
      'm.toml:14: "rises" is not known in pools[1].health; did you mean "rise"?',
    ],
    ['a health check of no kind', WHOLE.replace('http = "/healthz", ', ''), 'm.toml:14: pools[1].health'],
    ['an id twice', WHOLE.replace('spells-2', 'spells-1'), 'm.toml:17: backends holds "spells-1" twice'],
    [
      'an unknown pool',
      WHOLE.replace('pool = "spells"', 'pool = "spell"'),
      'm.toml:24: listener "web" names pool "spell", which is not declared; did you mean "spells"?',
    ],
    [
      'an address twice',
      `${WHOLE}\n[[listeners]]\nid = "two"\nbind = "127.0.0.1:8080"\npool = "spells"`,
      'm.toml:28: listener "two" is bound to 127.0.0.1:8080, which listener "web" has already',
    ],
    [
      'the address of the admin API',
      WHOLE.replace('127.0.0.1:8080', '127.0.0.1:9901'),
      'm.toml:22: listener "web" is bound to 127.0.0.1:9901, which the admin API has',
    ],
    [
      'a misspelt journal',
      '[journal]\nkind = "jetstraem"',
      'm.toml:2: journal.kind is "jetstraem"; did you mean "jetstream"?',
    ],
    [
      'an address twice on one node',
      `${WHOLE}nodes = ["lb-1", "lb-2"]\n[[listeners]]\nid = "two"\nbind = "127.0.0.1:8080"\npool = "spells"\nnodes = ["lb-2"]`,
      'm.toml:28: listener "two" is bound to 127.0.0.1:8080, which listener "web" has already',
    ],
    [
      'a path for a journal in memory',
      '[journal]\nkind = "memory"\npath = "x"',
      'm.toml:3: a journal of kind "memory" has no path; remove it, or use kind = "embedded"',
    ],
    ['an unsafe key', '[node]\n__proto__ = 1', 'm.toml:'],
  ])('%s', (_name, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  test('all problems at once, in the order of the file', () => {
    const text = WHOLE.replace('workers = 2', 'workers = -1').replace('= 400', '= 0').replace('"tcp"', '"udp"');
    expect(problemsOf(text).map((problem) => problem.split(':')[1])).toEqual(['4', '13', '23']);
  });

  test('a flood of problems is cut off and counted', () => {
    const text = Array.from({ length: 500 }, (_, index) => `key${index} = 1`).join('\n');
    const problems = problemsOf(text);
    expect(problems).toHaveLength(51);
    expect(problems.at(-1)).toContain('450 more problems');
  });
});

describe('files', () => {
  test('that are absent, a folder or too large', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'm.toml');
    expect(await loadConfig(file)).toMatchObject({ outcome: 'broken', problems: [{ what: 'there is no such file' }] });
    expect(await loadConfig(folder.path)).toMatchObject({
      outcome: 'broken',
      problems: [{ what: 'this is a folder' }],
    });
    await writeFile(file, '');
    expect(await loadConfig(file)).toMatchObject({ outcome: 'loaded' });
    await truncate(file, CONFIG_BYTES_MAX + 1);
    expect(await loadConfig(file)).toMatchObject({ outcome: 'broken', problems: [{ line: null }] });
  });
});

describe('fuzz', () => {
  test('no text makes the loader throw, and every problem has a line of the text', () => {
    const pieces = WHOLE.split(/(?=[\n =[\]{}",])/);
    const mangled = fc
      .array(
        fc.tuple(
          fc.nat(pieces.length - 1),
          fc.oneof(fc.constantFrom('', '=', '[[', '{', '"', '\n', '-1', 'x'), fc.string()),
        ),
      )
      .map((changes) => {
        const copy = [...pieces];
        for (const [index, piece] of changes) copy[index] = piece;
        return copy.join('');
      });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), mangled), (text) => {
        const loaded = parseConfig(text, 'm.toml');
        if (loaded.outcome === 'loaded') return;
        expect(loaded.problems.length).toBeGreaterThan(0);
        const lines = text.split('\n').length;
        for (const { line, what, fix } of loaded.problems) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines);
          expect(what.length * fix.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 1_000, seed: 7 },
    );
  });

  test('a wrong value of any kind at any key is found at the line of that key', () => {
    const lines = WHOLE.split('\n');
    const settable = lines.flatMap((line, index) => (/^\w+ = [^[{]/.test(line) ? [index] : []));
    const wrong = fc.constantFrom('[[1]]', '{ x = 1 }', '-3.5', '1979-05-27', 'nan');
    fc.assert(
      fc.property(fc.constantFrom(...settable), wrong, (index, value) => {
        const text = lines.map((line, at) => (at === index ? line.replace(/= .*/, `= ${value}`) : line)).join('\n');
        expect(problemsOf(text)[0]).toMatch(new RegExp(`^m\\.toml:${index + 1}: `));
      }),
      { seed: 7 },
    );
  });
});

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'muster-config-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
