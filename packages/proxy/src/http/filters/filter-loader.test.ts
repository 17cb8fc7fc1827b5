/** What is loaded, what is refused and in which words, and when a file is loaded anew. */
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FilterChain } from './filter-chain.ts';
import { loadFilters, shapeProblem } from './filter-loader.ts';

class Folder implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<Folder> {
    const path = await mkdtemp(join(tmpdir(), 'muster-filters-'));
    await mkdir(join(path, 'conf'));
    return new Folder(join(path, 'conf'));
  }

  async write(name: string, text: string, changedAtS = 1_000): Promise<void> {
    const file = join(this.path, name);
    await writeFile(file, text);
    await utimes(file, changedAtS, changedAtS);
  }

  load(...names: string[]) {
    return loadFilters(names, { folder: this.path });
  }

  /** For a file that is never ready; a busy machine takes longer than that for one that is. */
  loadQuickly(name: string) {
    return loadFilters([name], { folder: this.path, loadTimeoutMs: 50 });
  }

  async loaded(...names: string[]): Promise<FilterChain> {
    const outcome = await this.load(...names);
    if (!outcome.ok) throw new Error(outcome.reason);
    return outcome.filters;
  }

  async reason(name: string): Promise<string> {
    const outcome = await this.load(name);
    if (outcome.ok) throw new Error(`${name} was loaded`);
    return outcome.reason.replaceAll(this.path, 'CONF');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(join(this.path, '..'), { recursive: true });
  }
}

test('TypeScript is loaded as it is, in the order in which a listener names it', async () => {
  await using folder = await Folder.create();
  await folder.write(
    'a.ts',
    'export default { requestFilter(request: { path: string }): void { request.path = "/a"; } };',
  );
  await folder.write('b.mjs', 'export default { requestFilter() {}, logging() {} };');
  const { byHook, count } = await folder.loaded('./a.ts', './b.mjs');
  expect(count).toBe(2);
  expect(byHook.requestFilter.map(({ path }) => path)).toEqual(['./a.ts', './b.mjs']);
  expect(byHook.logging.map(({ path }) => path)).toEqual(['./b.mjs']);
  expect(byHook.upstreamPeer).toEqual([]);
});

test('a file that has changed is loaded anew, one that has not is not', async () => {
  await using folder = await Folder.create();
  const filterOf = async () => (await folder.loaded('./a.ts')).byHook.logging[0]!.filter;
  await folder.write('a.ts', 'export default { logging() { return "first"; } };');
  const first = await filterOf();
  expect(await filterOf()).toBe(first);
  await folder.write('a.ts', 'export default { logging() { return "second"; } };', 2_000);
  expect(await filterOf()).not.toBe(first);
});

test('a filter may not lie outside of the folder, wherever a link leads', async () => {
  await using folder = await Folder.create();
  await folder.write('../secret.ts', 'export default { logging() {} };');
  await symlink(join(folder.path, '..', 'secret.ts'), join(folder.path, 'linked.ts'));
  await symlink(join(folder.path, '..'), join(folder.path, 'up'));
  for (const name of ['./linked.ts', './up/secret.ts', '../secret.ts']) {
    expect(await folder.reason(name)).toContain('which is outside of CONF: put it below');
  }
});

test('what cannot be loaded is named, with its file', async () => {
  await using folder = await Folder.create();
  expect(await folder.reason('./none.ts')).toBe(
    "filter ./none.ts does not exist on this node: it was looked for as CONF/none.ts, in the folder of the node's config",
  );
  await folder.write('throws.ts', 'throw new Error("no database");');
  expect(await folder.reason('./throws.ts')).toContain(
    'filter ./throws.ts (CONF/throws.ts) cannot be loaded: no database',
  );
  await folder.write('waits.ts', 'await new Promise(() => {}); export default { logging() {} };');
  expect(await folder.loadQuickly('./waits.ts')).toMatchObject({
    reason: expect.stringContaining('was not ready within 50 ms') as string,
  });
  await folder.write('bare.ts', 'export const requestFilter = () => {};');
  expect(await folder.reason('./bare.ts')).toContain('(CONF/bare.ts) has no default export');
});

test.each([
  [undefined, 'has no default export'],
  [() => ({}), 'no object of hooks'],
  [[], 'no object of hooks'],
  [{ requestfilter() {} }, 'has requestfilter, which is no hook; the hooks are newContext, requestFilter, '],
  [{ requestFilter: 'no' }, 'has requestFilter, which is no function'],
  [{ newContext() {} }, 'has no hook'],
])('%o is no filter', (exported, what) => {
  expect(shapeProblem(exported)).toContain(what);
});
