/**
 * Circles of imports, between files and between the rooms (folders) of one package. A type-only import counts like any other: whoever
 * reads a file has to read what its types say, too.
 *
 * A circle is told as everything in it, not as one way around: these files, or rooms, can only be understood together.
 */
import { posix } from 'node:path';
import { packageFolder } from './arrows.ts';
import type { SourceFile } from './source-files.ts';

/** The files that import each other in circles, as one list for each circle, all in order; empty is the good case. */
export function fileCycles(files: readonly SourceFile[]): string[][] {
  const known = new Set(files.map(({ path }) => path));
  const imported = new Map(files.map((file) => [file.path, importedFiles(file).filter((path) => known.has(path))]));
  return circles(imported);
}

/** The entry of a package or a process looks into all rooms, and is looked into by none: it lies in no room. */
const ENTRY = /\/(src|testing)\/(index|main)\.ts$/;

/** The folders of one package whose files import each other's in circles. Tests and entries (`index.ts`, `main.ts`) are left out. */
export function roomCycles(files: readonly SourceFile[]): string[][] {
  const imported = new Map<string, string[]>();
  for (const file of files) {
    if (file.path.endsWith('.test.ts') || ENTRY.test(file.path)) continue;
    const room = posix.dirname(file.path);
    const others = importedFiles(file)
      .filter((path) => !ENTRY.test(path) && packageFolder(path) === packageFolder(file.path))
      .map((path) => posix.dirname(path));
    imported.set(room, [...(imported.get(room) ?? []), ...others.filter((other) => other !== room)]);
  }
  return circles(imported);
}

/** The files of the same package that a file imports. */
export function importedFiles({ path, imports }: SourceFile): string[] {
  return imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => posix.join(posix.dirname(path), specifier));
}

/**
 * The strongly connected parts of a graph that have more than one member, after Tarjan (1972): one pass, in which each node gets the
 * number of its first visit, and each part is known by the smallest number that its members lead back to.
 */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const numbers = new Map<string, number>();
  const found: string[][] = [];
  const open: string[] = [];

  const visit = (name: string): number => {
    const number = numbers.size;
    numbers.set(name, number);
    open.push(name);
    let lowest = number;
    for (const next of graph.get(name) ?? []) {
      if (!numbers.has(next)) lowest = Math.min(lowest, visit(next));
      else if (open.includes(next)) lowest = Math.min(lowest, numbers.get(next)!);
    }
    if (lowest === number) {
      const part = open.splice(open.indexOf(name));
      if (part.length > 1 || graph.get(name)?.includes(name) === true) found.push(part.sort());
    }
    return lowest;
  };
  for (const name of graph.keys()) if (!numbers.has(name)) visit(name);
  return found;
}
