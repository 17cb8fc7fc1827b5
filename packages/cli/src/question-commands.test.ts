/** The commands about the past as a person types them, of a node and of a file. */
import { mkdtempDisposable, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { muster, withSpells } from '../testing/index.ts';

/** Lines without the moments in them. */
function timeless(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) =>
      line.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}/g, 'THEN').replaceAll(/cli:\S+@[^\s)]+/g, 'cli:ME'),
    );
}

test('a state, a diff and a backend of a node, each with the events that made it so', async () => {
  await using admin = await withSpells();
  const drained = await muster(['backend', 'drain', 'spells', 'spells-1', '--reason', 'upgrade'], { admin });
  expect(drained.code).toBe(0);
  const state = await muster(['replay', '--at', '4'], { admin });
  expect(timeless(state.stdout)).toEqual([
    'cluster default at revision 4, as node lb-1 saw it',
    'newest event: 4  THEN  BackendModeSet on backend.spells.spells-1 by cli:ME upgrade',
    'not checked: no hash is recorded at or soon after revision 4: the journal of node lb-1 has no observations',
    '',
    expect.stringMatching(/^LISTENER +BIND +PROTOCOL +LEADS TO +ON +ORIGIN +REVISION$/) as string,
    expect.stringMatching(/^web {7}127\.0\.0\.1:8080 {2}tcp {7}spells {4}all nodes {2}cli:ME/) as string,
    '',
    'pool spells: round_robin, 0 of 1 eligible',
    'BACKEND   TARGET          WEIGHT  MODE   HEALTH   EJECTION   TRAFFIC  KEPT OUT BY',
    'spells-1  127.0.0.1:8001  1       drain  unknown  admitting  no       4  THEN  BackendModeSet on backend.spells.spells-1 by cli:ME upgrade',
  ]);
  const diff = await muster(['diff', '3'], { admin });
  expect(timeless(diff.stdout).slice(3)).toEqual([
    '~ backend spells/spells-1',
    '    mode         ready → drain (upgrade)  by event 4 of cli:ME at THEN',
    '    eligibility  out: health unknown → out: mode drain (upgrade)  by event 4 of cli:ME at THEN',
  ]);
  const backend = await muster(['explain', 'backend', 'spells/spells-1'], { admin });
  expect(backend.stdout).toContain('does not take traffic: mode drain, since');
  expect(backend.stdout).toContain('`muster backend ready spells spells-1`');
  const steps = await muster(['replay', '--step', '--at', '4'], { admin });
  expect(timeless(steps.stdout)).toEqual([
    '4  THEN  backend spells/spells-1  set to drain: upgrade  (cli:ME)',
    '    ~ backend spells/spells-1',
    '      mode         ready → drain (upgrade)',
    '      eligibility  out: health unknown → out: mode drain (upgrade)',
  ]);
});

test('a file answers as the node did, and gives its events by what they are about', async () => {
  await using admin = await withSpells();
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-past-'));
  const file = join(folder.path, 'incident.muster');
  const exported = await muster(['export', '--from', '2', '-o', file], { admin });
  expect(timeless(exported.stdout).slice(1, 3)).toEqual([
    'from revision 2 (THEN) to 3 (THEN)',
    '2 events, 0 observations, 0 decisions among them',
  ]);
  expect([(await stat(file)).mode & 0o777, await readdir(folder.path)]).toEqual([0o600, ['incident.muster']]);
  const of = (...args: string[]) => muster([...args, '--file', file]);
  // No node is asked.
  const [fromNode, fromFile] = [
    await muster(['replay', '--json', '--at', '3'], { admin }),
    await of('replay', '--json'),
  ];
  const [node, ofFile] = [fromNode, fromFile].map(
    ({ stdout }) => JSON.parse(stdout) as { hash: string; pools: unknown },
  );
  expect(ofFile).toMatchObject({ hash: node!.hash, pools: node!.pools, source: file });
  const events = await of('events', '--backend', 'spells/spells-1');
  expect(timeless(events.stdout)).toEqual([expect.stringMatching(/^2 {2}.*registered 127\.0\.0\.1:8001/)]);
  const lines = (await of('replay', '--step', '--json')).stdout.trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { event: { revision: number } }).event.revision)).toEqual([2, 3]);
  expect(await of('replay', '--at', '1')).toMatchObject({ code: 0 });
});

const FAILURES: readonly (readonly [args: readonly string[], stderr: RegExp])[] = [
  [['replay', '--at', 'yesterday'], /has no event with the id "yesterday"; if that is to be a time: a moment is/],
  [['replay', '--at', '99'], /has no revision 99: the newest is 3/],
  [['replay', '--from', '2'], /--from is where --step begins/],
  [['diff', '3', '1'], /give the earlier moment first/],
  [['explain', 'backend', 'spells'], /"spells" names no backend; give POOL\/ID/],
  [['explain', 'backend', 'spells/spell-1'], /did you mean "spells-1"\?/],
  [['explain', 'request'], /give the id of a request, or its line/],
  [['explain', 'request', 'r-1'], /knows of no request r-1; .*--line/],
  [['explain', 'request', '--line', 'hello'], /no line of an access log/],
  [['events', '--since', '3'], /"3" is no time; for revisions there is --from/],
  [['events', '--file', 'none.muster', '--follow'], /nothing is appended to a file/],
  [['replay', '--file', 'none.muster'], /none\.muster: there is no such file/],
  [['export', '--from', '1', '-o', '/nowhere/a.muster'], /cannot be written: ENOENT/],
];

test('what cannot be answered fails in words', async () => {
  await using admin = await withSpells();
  const ran = await Promise.all(FAILURES.map(([args]) => muster(args, { admin })));
  const failed = FAILURES.map(([args, stderr], index) => ({
    args,
    ...ran[index],
    stderr: expect.stringMatching(stderr) as string,
  }));
  expect(ran.map((one, index) => ({ args: FAILURES[index]![0], ...one }))).toEqual(failed);
  expect(ran.map(({ code }) => code)).toEqual(FAILURES.map(() => 1));
});

test('a file that is none is refused, whatever is asked', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-past-'));
  const file = join(folder.path, 'a.muster');
  await writeFile(file, 'hello');
  const asked = [['replay'], ['events'], ['diff', '1'], ['explain', 'backend', 'p/a'], ['replay', '--step']];
  const ran = await Promise.all(asked.map((args) => muster([...args, '--file', file])));
  const stderr = `muster: ${file}: it is no incident file; muster export writes one\n`;
  expect(ran).toEqual(asked.map(() => ({ code: 1, stdout: '', stderr })));
});
