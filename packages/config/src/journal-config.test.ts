/** The `[journal]` table for NATS: what it means, what is refused, and that no password is ever quoted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { formatProblem } from './config-problem.ts';
import { parseConfig } from './load-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-journal-config-'));
const FILE = join(folder, 'node.creds');
writeFileSync(FILE, '', { mode: 0o600 });
afterAll(() => rmSync(folder, { recursive: true }));

function journalOf(lines: string, node = '') {
  const loaded = parseConfig(`[node]\nid = "lb-1"\n${node}\n[journal]\nkind = "jetstream"\n${lines}`, 'm.toml');
  if (loaded.outcome === 'broken') throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.node;
}

/** `lines` begin at line 3. */
function problemsOf(lines: string, kind = 'jetstream'): string[] {
  const loaded = parseConfig(`[journal]\nkind = "${kind}"\n${lines}`, 'm.toml');
  return loaded.outcome === 'broken' ? loaded.problems.map(formatProblem) : [];
}

const SERVERS = 'servers = ["nats://127.0.0.1:4222"]';

describe('a journal on JetStream', () => {
  test('may be told never to make the stream', () => {
    expect(journalOf(`${SERVERS}\nmakeStream = false`).journal).toMatchObject({ makesStream: false });
    expect(problemsOf('makeStream = false', 'embedded').join()).toContain('has no makeStream');
  });

  test('needs its servers only', () => {
    const { cluster, journal } = journalOf(SERVERS);
    expect(cluster).toBe('default');
    expect(journal).toEqual({
      kind: 'jetstream',
      access: { servers: ['nats://127.0.0.1:4222'], name: 'muster:lb-1' },
      replicas: 1,
      makesStream: true,
      streamBytesMax: null,
      retentionHours: null,
      duplicateWindowMs: 120_000,
      localSnapshotPath: 'data/lb-1.snapshot',
    });
  });

  test('takes everything that can be said about it', () => {
    const { cluster, journal } = journalOf(`
servers = ["tls://a:4222", "nats://user:password@[::1]"]
cluster = "demo"
replicas = 3
credentials = '${FILE}'
tls = { caFile = '${FILE}', certFile = '${FILE}', keyFile = '${FILE}' }
inboxPrefix = "_INBOX_lb-1.x"
streamBytesMax = 1_073_741_824
retentionHours = 720
duplicateWindowMs = 60_000
localSnapshotPath = "here.snapshot"`);
    expect(cluster).toBe('demo');
    expect(journal).toEqual({
      kind: 'jetstream',
      access: {
        servers: ['tls://a:4222', 'nats://user:password@[::1]'],
        name: 'muster:lb-1',
        credentialsFile: FILE,
        tls: { caFile: FILE, certFile: FILE, keyFile: FILE },
        inboxPrefix: '_INBOX_lb-1.x',
      },
      replicas: 3,
      makesStream: true,
      streamBytesMax: 1_073_741_824,
      retentionHours: 720,
      duplicateWindowMs: 60_000,
      localSnapshotPath: 'here.snapshot',
    });
    expect(journalOf(`${SERVERS}\nnkeySeed = '${FILE}'`).journal).toMatchObject({ access: { nkeySeedFile: FILE } });
  });

  test('has its cluster from either table, and from both where they agree', () => {
    expect(journalOf(SERVERS, 'cluster = "demo"').cluster).toBe('demo');
    expect(journalOf(`${SERVERS}\ncluster = "demo"`, 'cluster = "demo"').cluster).toBe('demo');
    expect(() => journalOf(`${SERVERS}\ncluster = "demo"`, 'cluster = "prod"')).toThrow(
      'm.toml:7: journal.cluster is "demo", and node.cluster is "prod"; a node is of one cluster',
    );
  });
});

describe('is refused with line, fault and remedy', () => {
  test.each([
    ['no servers', 'replicas = 1', 'm.toml:1: a journal of kind "jetstream" needs servers; add servers = ["nats://'],
    ['an empty list', 'servers = []', 'm.toml:3: a journal of kind "jetstream" needs servers'],
    ['one server as text', 'servers = "nats://a:1"', 'm.toml:3: journal.servers is a text; it must be a list'],
    [
      'a server without a scheme',
      'servers = [\n  "nats://a",\n  "127.0.0.1:4222",\n]',
      'm.toml:5: journal.servers[2] has no scheme; give nats://HOST:PORT or tls://HOST:PORT',
    ],
    ['another scheme', 'servers = ["http://a:4222"]', 'journal.servers[1] has a scheme that is neither nats nor tls'],
    ['no host', 'servers = ["nats://"]', 'm.toml:3: journal.servers[1] '],
    ['a path', 'servers = ["nats://a:4222/x"]', 'journal.servers[1] goes on after the port'],
    ['a port too large', 'servers = ["nats://a:70000"]', 'm.toml:3: journal.servers[1] is not a URL'],
    ['two replicas', `${SERVERS}\nreplicas = 2`, 'm.toml:4: journal.replicas is 2; it may be 1, 3, 5'],
    [
      'a misspelt key',
      `${SERVERS}\nreplica = 3`,
      'm.toml:4: "replica" is not known in journal; did you mean "replicas"?',
    ],
    [
      'a path',
      `${SERVERS}\npath = "x"`,
      'm.toml:4: a journal of kind "jetstream" has no path; remove it, or use kind = "embedded"',
    ],
    [
      'a window of nothing',
      `${SERVERS}\nduplicateWindowMs = 0`,
      'm.toml:4: journal.duplicateWindowMs is 0; it must be at least 1000',
    ],
    ['a tiny stream', `${SERVERS}\nstreamBytesMax = 10`, 'journal.streamBytesMax is 10; it must be at least 1048576'],
    ['an inbox with a wildcard', `${SERVERS}\ninboxPrefix = "a.>"`, 'm.toml:4: journal.inboxPrefix is "a.>"'],
    [
      'a file that is not there',
      `${SERVERS}\ncredentials = "not-there.creds"`,
      'm.toml:4: journal.credentials names a file that cannot be read: "not-there.creds" (ENOENT)',
    ],
    [
      'two kinds of identity',
      `${SERVERS}\ncredentials = '${FILE}'\nnkeySeed = '${FILE}'`,
      'm.toml:5: journal has both credentials and nkeySeed',
    ],
    [
      'half a certificate',
      `${SERVERS}\ntls = { certFile = '${FILE}' }`,
      'm.toml:4: journal.tls has a certFile and no keyFile; add keyFile',
    ],
    [
      'half a certificate, the other half',
      `${SERVERS}\ntls = { keyFile = '${FILE}' }`,
      'journal.tls has a keyFile and no certFile',
    ],
  ])('%s', (_name, lines, expected) => {
    const problems = problemsOf(lines);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  test.each(['embedded', 'memory'])('keys of it with kind %s', (kind) => {
    expect(problemsOf(`${SERVERS}\nreplicas = 3\ntls = {}`, kind)).toEqual(
      ['servers', 'replicas', 'tls'].map(
        (key, index) =>
          `m.toml:${3 + index}: a journal of kind "${kind}" has no ${key}; remove it, or use kind = "jetstream"`,
      ),
    );
  });
});

describe('a secret', () => {
  test.each([
    'servers = ["http://user:hunter2@a:4222"]',
    'servers = ["nats://user:hunter2@a:4222/path"]',
    'servers = ["nats://user:hunter2"]',
    'servers = ["user:hunter2@a"]',
    'servers = ["nats://user:hunter2@a:99999"]',
    'servers = "nats://user:hunter2@a"',
    'servers = { url = "nats://user:hunter2@a" }',
    'servers = [["nats://user:hunter2@a"]]',
    'nkeySeed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYHUNTER2"\nservers = ["nats://a"]',
    'servers = ["nats://user:hunter2@a"',
  ])('is never quoted: %s', (lines) => {
    const problems = problemsOf(lines);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).not.toMatch(/hunter2/i);
  });
});
