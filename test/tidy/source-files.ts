/**
 * The project's source files, parsed once with oxc: their imports, comments and code, as plain data that rules can read
 * and that a test can make up.
 *
 * Only what git would keep is walked: no installed packages, no data, no fixtures.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Import {
  /** As written, e.g. `./roster.ts`, `@muster/membership`, `node:net`. */
  readonly specifier: string;
  /** What is imported, by the names that the other file gives; null for all of it. */
  readonly names: readonly string[] | null;
}

/** A name that a file passes on from another one. */
export interface Forward {
  readonly specifier: string;
  /** As the other file calls it; null: whatever that one exports. */
  readonly name: string | null;
  /** As this file calls it; null: as the other one does. */
  readonly as: string | null;
}

export interface SourceFile {
  /** From the root, with slashes, e.g. `packages/probes/src/http.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text with its comments blanked out, line for line: for rules about code. */
  readonly code: string;
  /** Import and re-export lines, dynamic imports of a literal, and types written as `import('…')`. */
  readonly imports: readonly Import[];
  readonly forwards: readonly Forward[];
  /** The names that it exports and defines itself. */
  readonly defines: readonly string[];
  /** Where the first comment starts, past a `#!` line; null for a file without one. */
  readonly firstCommentAt: number | null;
}

/** Parses one file; throws when it does not parse. */
export function parseSource(path: string, text: string): SourceFile {
  const { module, comments, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path} does not parse: ${errors[0].message}`);

  let code = text;
  for (const { start, end } of comments) {
    code = code.slice(0, start) + code.slice(start, end).replace(/[^\n]/g, ' ') + code.slice(end);
  }
  const imports: Import[] = module.staticImports.map(({ moduleRequest, entries }) => {
    const kinds: readonly string[] = entries.map(({ importName }) => importName.kind);
    return {
      specifier: moduleRequest.value,
      names: kinds.includes('NamespaceObject') ? null : entries.map(({ importName }) => importName.name ?? 'default'),
    };
  });
  const forwards: Forward[] = [];
  const defines: string[] = [];
  for (const { moduleRequest, importName, exportName } of module.staticExports.flatMap(({ entries }) => entries)) {
    if (moduleRequest === null) {
      defines.push(exportName.name ?? 'default');
      continue;
    }
    imports.push({ specifier: moduleRequest.value, names: importName.name === null ? null : [importName.name] });
    forwards.push({ specifier: moduleRequest.value, name: importName.name, as: exportName.name });
  }
  // Dynamic imports and import types look alike: `import('…')`. Both count as imports, the stricter reading.
  for (const [, specifier] of code.matchAll(/\bimport\(\s*['"`]([^'"`]+)['"`]/g)) {
    if (specifier !== undefined) imports.push({ specifier, names: null });
  }
  const shebang = comments[0]?.start === 0 && text.startsWith('#!') ? 1 : 0;
  return { path, text, code, imports, forwards, defines, firstCommentAt: comments[shebang]?.start ?? null };
}

const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.types', 'data', 'coverage']);

/** Every file of the repository, from the root, with slashes. */
export async function listFiles(folder = ''): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { withFileTypes: true });
  const lists = await Promise.all(
    entries.map(async (entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : listFiles(path);
      return entry.isFile() ? [path] : [];
    }),
  );
  return lists.flat().sort();
}

export function isSource(path: string): boolean {
  return /\.(ts|mjs)$/.test(path);
}

export async function readSources(paths: readonly string[]): Promise<SourceFile[]> {
  return Promise.all(
    paths.filter(isSource).map(async (path) => parseSource(path, await readFile(join(ROOT, path), 'utf8'))),
  );
}
