/** Every command there is, walked from the program itself: a new one is held to the same manners without a word here. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { expect, test, vi } from 'vitest';
import { startAdmin } from '@muster/admin/testing';
import { muster, MUSTER, NOBODY, temporaryFolder, withSpells } from '@muster/cli/testing';
import { createProgram } from '@muster/cli';
import { SURROUNDINGS } from './own-commands.ts';

const COLUMNS = 80;
/** At once: the machine has other things to do. */
const PROCESSES_MAX = 3;

interface Leaf {
  readonly words: readonly string[];
  readonly command: Command;
}

function leaves(command: Command, words: readonly string[] = []): Leaf[] {
  if (command.commands.length === 0) return [{ words, command }];
  return command.commands.flatMap((inner) => leaves(inner, [...words, inner.name()]));
}

const COMMANDS = leaves(createProgram(SURROUNDINGS, () => undefined));

/** Arguments and required options of the kinds that there are, so that the command gets as far as asking a node. */
function usualArguments({ command }: Leaf): string[] {
  const values: Readonly<Record<string, string>> = {
    pool: 'spells',
    id: 'spells-1',
    from: '1',
    file: '/nonexistent/file',
    target: '127.0.0.1:1',
    bind: '127.0.0.1:1',
    output: '/nonexistent/x.muster',
  };
  const named = (name: string): string => values[name] ?? 'spells/spells-1';
  const args = command.registeredArguments.filter(({ required }) => required).map((argument) => named(argument.name()));
  const options = command.options.filter(({ mandatory }) => mandatory);
  const given = options.flatMap((option) => [option.long!, named(option.attributeName())]);
  const change = command.parent?.name() === 'backend' ? ['--weight', '2'] : ['--json-spec', '{"nodes": null}'];
  return [...args, ...given, ...(command.name() === 'set' ? change : [])];
}

async function inTurns<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += PROCESSES_MAX) {
    results.push(...(await Promise.all(items.slice(start, start + PROCESSES_MAX).map(work))));
  }
  return results;
}

test('there are commands to walk', () => expect(COMMANDS.length).toBeGreaterThan(25));

test.each(COMMANDS)('the help of $words fits 80 columns and says what it does', ({ command }) => {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => COLUMNS });
  command.outputHelp();
  expect(text.split('\n').filter((line) => line.length > COLUMNS)).toEqual([]);
  expect(command.description()).not.toBe('');
  expect(command.options.filter(({ description, hidden }) => description === '' && !hidden)).toEqual([]);
});

test('the help of every group fits, too', () => {
  const groups = [
    createProgram(SURROUNDINGS, () => undefined),
    ...createProgram(SURROUNDINGS, () => undefined).commands.filter(({ commands }) => commands.length > 0),
  ];
  for (const group of groups) {
    let text = '';
    group.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => COLUMNS });
    group.outputHelp();
    expect(text.split('\n').filter((line) => line.length > COLUMNS)).toEqual([]);
  }
});

test.each(COMMANDS)('$words takes no option that it does not know', async ({ words }) => {
  const program = createProgram(SURROUNDINGS, () => undefined);
  for (const { command } of leaves(program)) command.configureOutput({ writeErr: () => undefined });
  const complaint = program.parseAsync([...words, '--nonsense'], { from: 'user' });
  await expect(complaint).rejects.toMatchObject({ name: 'CommanderError', exitCode: 1 });
});

test('a wrong option is exit code 2, and with --json one object and no text', async () => {
  const runs = await inTurns([['status'], ['pool', 'add'], ['explain', 'backend']], async (words) => {
    return muster([...words, '--nonsense', '--json']);
  });
  for (const { code, stdout, stderr } of runs) {
    expect([code, stderr]).toEqual([2, '']);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage', message: expect.any(String) as string } });
  }
});

/** They need no node, or start one. */
const WITHOUT_NODE = new Set(['up', 'agent', 'schema']);
const ASKING = COMMANDS.filter(({ words }) => !WITHOUT_NODE.has(words[0]!));

test.each(ASKING)('$words fails in one sentence without a node', async (leaf) => {
  const words = [...leaf.words, ...usualArguments(leaf), '--admin', NOBODY];
  const failure = createProgram(SURROUNDINGS, () => undefined).parseAsync(words, { from: 'user' });
  await expect(failure).rejects.toMatchObject({
    name: 'CliFailure',
    message: expect.stringMatching(
      /^[^\n]*(no node answers at|no such file|there is no journal|cannot be written|give the id)[^\n]*$/,
    ) as string,
  });
});

test.each(ASKING)('$words says that the token is wrong', async (leaf) => {
  await using admin = await startAdmin({ token: 'right' });
  vi.stubEnv('MUSTER_ADMIN_TOKEN', 'wrong');
  const words = [...leaf.words, ...usualArguments(leaf), '--admin', admin.url];
  const failure = createProgram(SURROUNDINGS, () => undefined).parseAsync(words, { from: 'user' });
  await expect(failure).rejects.toMatchObject({
    name: 'CliFailure',
    message: expect.stringMatching(/token|no such file|there is no journal|cannot be written|give the id/) as string,
  });
  vi.unstubAllEnvs();
});

test('without a node a command ends with exit code 1, and with --json with one object', async () => {
  const [text, json] = await inTurns([['status'], ['status', '--json']], (args) => muster(args));
  expect(text).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^muster: no node[^\n]*\n$/) as string,
  });
  expect(json).toMatchObject({ code: 1, stderr: '' });
  expect(JSON.parse(json!.stdout)).toMatchObject({ error: { code: 'no-node' } });
});

test('no command, help of a command, the version, and a typo', async () => {
  const [bare, json, help, version, typo, typoJson] = await inTurns(
    [[], ['--json'], ['help', 'apply'], ['--version'], ['statsu'], ['pool', 'lits', '--json']],
    (args) => muster(args),
  );
  expect(bare).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage: muster') as string });
  expect(JSON.parse(json!.stdout)).toMatchObject({ error: { code: 'usage' } });
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--take-over') as string });
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
  expect(typo!.stderr).toContain('Did you mean status?');
  expect(JSON.parse(typoJson!.stdout)).toMatchObject({ error: { code: 'usage', suggestion: 'list' } });
});

test('a time that begins with a minus is a moment wherever one may stand', async () => {
  await using admin = await withSpells();
  const runs = await inTurns(
    [
      ['diff', '-2m', 'now'],
      ['diff', '-1h', '-0s'],
      ['diff', '1', '-1ms'],
      ['replay', '--at', '-1ms'],
      ['events', '--since', '-1h', '--until', '-0s'],
    ],
    (args) => muster(args, { admin }),
  );
  expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(runs.map(() => [0, '']));
});

test('a limit means the newest, also of rejected events', async () => {
  await using admin = await withSpells();
  for (const id of ['x1', 'x2', 'x3', 'x4']) {
    await admin.node.journal.append({ id, origin: null, subject: 'muster.default.pool.p', payload: '{' });
  }
  await admin.node.folded(7);
  const revisions = async (...args: string[]): Promise<number[]> => {
    const { stdout } = await muster(['events', ...args], { admin });
    return stdout
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' ')[0]));
  };
  expect(await revisions('--rejected', '--limit', '2')).toEqual([6, 7]);
  expect(await revisions('--limit', '2')).toEqual([6, 7]);
  expect(await revisions('--pool', 'p', '--limit', '1')).toEqual([7]);
  expect(await revisions('--from', '5', '--limit', '2')).toEqual([5, 6]);
});

test('an export replaces no file unless it is told to', async () => {
  await using admin = await withSpells();
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'x.muster');
  await writeFile(path, 'precious');
  const exporting = ['export', '--from', '1', '-o', path];
  expect(await muster(exporting, { admin })).toMatchObject({
    code: 1,
    stderr: `muster: ${path} exists already; choose another name, or give --force to replace it\n`,
  });
  expect((await muster([...exporting, '--force'], { admin })).code).toBe(0);
});

test.each<[string, (folder: string) => string, string]>([
  ['a missing file', (folder) => join(folder, 'no.toml'), 'there is no such file'],
  ['a folder', (folder) => folder, 'this is a folder'],
  ['a device without end', () => '/dev/zero', 'has more than 1048576 bytes'],
])('%s in place of a config is told in one line without a line number', async (_name, pathIn, why) => {
  await using folder = await temporaryFolder();
  const path = pathIn(folder.path);
  for (const args of [
    ['apply', '-f', path],
    ['up', '-c', path],
  ]) {
    const ran = await muster(args);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining(`muster: ${path}: `) as string });
    expect(ran.stderr).toContain(why);
  }
});

test('a config comes from the standard input, too', async () => {
  await using admin = await startAdmin();
  const env = { ...process.env, MUSTER_ADMIN: admin.url };
  const child = spawn(process.execPath, [MUSTER, 'apply', '-f', '-'], { env, stdio: ['pipe', 'ignore', 'inherit'] });
  Readable.from(['[[pools]]\nid = "p"\n']).pipe(child.stdin);
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(admin.node.roster().pools.has('p')).toBe(true);
});
