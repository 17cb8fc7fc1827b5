/**
 * The walks of docs/architecture.md: which files something passes on its way through the house, in order.
 *
 * A walk is read from the document and checked against the code: every file exists, and each but the first is tied to one that comes
 * before it in the walk. Two files are tied when one of them imports the other, be it types only; when one imports, from a package's entry, a
 * name that the other defines; or when one starts the other as a process or a thread, by `new URL('…', import.meta.url)`. It need not be
 * the file just before: what was called comes back, and the walk goes on from there.
 */
import { posix } from 'node:path';
import type { SourceFile } from './source-files.ts';

export interface Walk {
  readonly title: string;
  /** From the root, e.g. `packages/proxy/src/data-plane.ts`. */
  readonly files: readonly string[];
}

const HEADING = /^### (.+)$/;
/** `1. \`packages/a/src/b.ts\` does this`. */
const STEP = /^\d+\. `([^`]+\.ts)`/;

/** The walks are the numbered lists under the headings of the third level in the chapter "Walks". */
export function readWalks(markdown: string): Walk[] {
  const chapter = /^## Walks\n([^]*?)(?=^## |(?![^]))/m.exec(markdown)?.[1] ?? '';
  const walks: { title: string; files: string[] }[] = [];
  for (const line of chapter.split('\n')) {
    const title = HEADING.exec(line)?.[1];
    if (title !== undefined) walks.push({ title, files: [] });
    const file = STEP.exec(line)?.[1];
    if (file !== undefined) walks.at(-1)?.files.push(file);
  }
  return walks;
}

/** Sentences about files that are not there, or are tied to none before them. `entries`: a package's name, or a subpath of it, to its entry file. */
export function walkFaults(
  { title, files }: Walk,
  sources: ReadonlyMap<string, SourceFile>,
  entries: ReadonlyMap<string, string>,
): string[] {
  const missing = files.filter((path) => !sources.has(path)).map((path) => `${title}: there is no file ${path}`);
  if (missing.length > 0) return missing;
  const lookedAt = new Map(files.map((path) => [path, filesSeenBy(sources.get(path)!, sources, entries)]));
  const isTied = (one: string, other: string) => lookedAt.get(one)!.has(other) || lookedAt.get(other)!.has(one);
  return files
    .filter((path, index) => index > 0 && !files.slice(0, index).some((before) => isTied(before, path)))
    .map((path) => `${title}: ${path} is tied to no file before it`);
}

function filesSeenBy(
  { path, code, imports }: SourceFile,
  sources: ReadonlyMap<string, SourceFile>,
  entries: ReadonlyMap<string, string>,
): Set<string> {
  const seen = new Set<string>();
  for (const { specifier, names } of imports) {
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : entries.get(specifier);
    if (target === undefined) continue;
    seen.add(target);
    for (const name of names ?? []) for (const definer of definersOf(name, target, sources)) seen.add(definer);
  }
  for (const [, started] of code.matchAll(/new URL\(\s*'([^']+\.ts)',\s*import\.meta\.url/g)) {
    seen.add(posix.join(posix.dirname(path), started!));
  }
  return seen;
}

/** The file that defines a name, and all that pass it on; none where that file does not have it. */
function definersOf(name: string, path: string, sources: ReadonlyMap<string, SourceFile>): string[] {
  const source = sources.get(path);
  if (source === undefined) return [];
  if (source.defines.includes(name)) return [path];
  const found = source.forwards
    .filter(({ specifier, as }) => specifier.startsWith('.') && (as === null || as === name))
    .flatMap((forward) => {
      const next = posix.join(posix.dirname(path), forward.specifier);
      return definersOf(forward.name ?? name, next, sources);
    });
  return found.length > 0 ? [path, ...found] : [];
}
