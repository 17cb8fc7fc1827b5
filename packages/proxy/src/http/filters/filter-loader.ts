/**
 * Loads the filter modules that a listener names, and says clearly what is wrong with one that cannot be used.
 *
 * A module is looked for in the folder of the node's config and may not lie outside it, wherever links lead. It is loaded anew
 * when its file has changed: the time of the change is a part of the address that Node caches it under. A module that was loaded
 * is never given back (Node cannot), so a worker loads `VERSIONS_MAX` of them at most. What a filter imports itself is loaded once.
 */
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FilterChain, thrownLine, type FilterChainOptions, type FilterModule } from './filter-chain.ts';
import { HOOK_NAMES, type Filter } from './filter.ts';

/** Different files, and different versions of a file, in one process. */
const VERSIONS_MAX = 256;
/** A module that awaits something at its top has so long. */
const LOAD_TIMEOUT_MS = 10_000;

/** In the address of every filter's module; what follows tells its versions apart. */
const FILTER_MARK = '?muster-filter=';

export interface FilterLoadOptions extends FilterChainOptions {
  /** Absolute: what the paths are relative to. */
  readonly folder: string;
  /** Default: `LOAD_TIMEOUT_MS`. */
  readonly loadTimeoutMs?: number;
}

export type FilterLoadOutcome =
  | { readonly ok: true; readonly filters: FilterChain }
  /** `reason` for people: which file, what is wrong, what to do. */
  | { readonly ok: false; readonly reason: string };

const loadedUrls = new Set<string>();

/** All of them, or the first reason why not. Never rejects. */
export async function loadFilters(paths: readonly string[], options: FilterLoadOptions): Promise<FilterLoadOutcome> {
  const modules: FilterModule[] = [];
  for (const path of paths) {
    const loaded = await loadModule(path, options);
    if (typeof loaded === 'string') return { ok: false, reason: `filter ${path} ${loaded}` };
    modules.push(loaded);
  }
  try {
    return { ok: true, filters: new FilterChain(modules, options) };
  } catch (error) {
    return { ok: false, reason: `the hooks of ${paths.join(', ')} cannot be read: ${thrownLine(error)}` };
  }
}

/** The module, or what is wrong with it as the rest of a sentence. */
async function loadModule(path: string, { folder, loadTimeoutMs }: FilterLoadOptions): Promise<FilterModule | string> {
  const found = await find(path, folder);
  if ('problem' in found) return found.problem;
  const { file, url } = found;
  if (!loadedUrls.has(url) && loadedUrls.size >= VERSIONS_MAX) {
    return `(${file}) is not loaded: this worker has loaded ${VERSIONS_MAX} versions of filters, which it cannot give back; restart the node`;
  }
  loadedUrls.add(url);
  const imported = await importWithin(url, loadTimeoutMs ?? LOAD_TIMEOUT_MS);
  if ('problem' in imported) return `(${file}) cannot be loaded: ${imported.problem}`;
  const { default: exported } = imported.module;
  const problem = shapeProblem(exported);
  return problem === null ? { path, filter: exported as Filter<unknown> } : `(${file}) ${problem}`;
}

async function find(path: string, folder: string): Promise<{ file: string; url: string } | { problem: string }> {
  const named = resolve(folder, path);
  try {
    const [home, file] = await Promise.all([realpath(folder), realpath(named)]);
    if (!isBelow(home, file)) {
      return { problem: `is ${file}, which is outside of ${home}: put it below the folder of the node's config` };
    }
    const { mtimeNs, ino } = await stat(file, { bigint: true });
    return { file, url: `${pathToFileURL(file).href}${FILTER_MARK}${ino}-${mtimeNs}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what =
      code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read (${code ?? thrownLine(error)})`;
    return { problem: `${what} on this node: it was looked for as ${named}, in the folder of the node's config` };
  }
}

function isBelow(folder: string, file: string): boolean {
  const way = relative(folder, file);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

type Imported = { readonly module: { readonly default?: unknown } } | { readonly problem: string };

async function importWithin(url: string, timeoutMs: number): Promise<Imported> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Imported>((settle) => {
    timer = setTimeout(
      () => settle({ problem: `it was not ready within ${timeoutMs} ms; what does it await at its top?` }),
      timeoutMs,
    );
  });
  const loading = import(url).then(
    (module: { default?: unknown }): Imported => ({ module }),
    (error: unknown): Imported => ({ problem: thrownLine(error) }),
  );
  const imported = await Promise.race([loading, late]);
  clearTimeout(timer);
  return imported;
}

const HOOKS_TEXT = HOOK_NAMES.join(', ');

/** What is wrong with a default export; null where it is a filter. Never throws. */
export function shapeProblem(exported: unknown): string | null {
  try {
    return problemOfShape(exported);
  } catch (error) {
    return `has a default export that cannot be read: ${thrownLine(error)}`;
  }
}

function problemOfShape(exported: unknown): string | null {
  if (exported === undefined) return 'has no default export: end it with `export default { … }`, an object of hooks';
  if (typeof exported !== 'object' || exported === null || Array.isArray(exported) || exported instanceof Promise) {
    return 'has a default export that is no object of hooks: write `export default { requestFilter(request) { … } }`';
  }
  const hooks = exported as Record<string, unknown>;
  const known: readonly string[] = [...HOOK_NAMES, 'newContext'];
  const unknown = Object.keys(hooks).find((name) => !known.includes(name));
  if (unknown !== undefined) return `has ${unknown}, which is no hook; the hooks are newContext, ${HOOKS_TEXT}`;
  const odd = known.find((name) => hooks[name] !== undefined && typeof hooks[name] !== 'function');
  if (odd !== undefined) return `has ${odd}, which is no function: write \`${odd}(…) { … }\``;
  if (HOOK_NAMES.every((name) => hooks[name] === undefined)) return `has no hook; the hooks are ${HOOKS_TEXT}`;
  return null;
}

/**
 * Whether a filter left an error behind, which no request waits for: thrown by a timer of its own or in a promise that nobody awaits.
 * The marks on filters' modules stand in the traces of what they throw. What is no error at all is a filter's too, since our own code
 * throws nothing else; an error without a trace, or from code that a filter imports, is nobody's. Never throws, whatever was thrown.
 */
export function isLeftByFilter(error: unknown): boolean {
  try {
    if (!(error instanceof Error)) return true;
    const stack: unknown = error.stack;
    return typeof stack === 'string' && stack.includes(FILTER_MARK);
  } catch {
    // It throws when it is looked at. Nothing of ours does.
    return true;
  }
}
