/**
 * Rules about the whole house instead of one file: how many files lie side by side, how long and how short they are, and who may use what
 * only tests need. Circles between rooms are the business of `cycles.ts`.
 */
import { posix } from 'node:path';
import { importedFiles } from './cycles.ts';
import { isSource, type SourceFile } from './source-files.ts';

/** More than this and a folder is a heap: nobody knows without a search what lies in it. */
export const ROOM_FILES_MAX = 20;
/** A shorter file is a part of its neighbour. */
export const FILE_LINES_MIN = 30;

/** How many source files lie side by side in each folder that has too many, tests apart. */
export function crowdedRooms(paths: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const path of paths) {
    if (!isSource(path) || path.endsWith('.test.ts')) continue;
    const room = posix.dirname(path);
    counts.set(room, (counts.get(room) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].filter(([, count]) => count > ROOM_FILES_MAX));
}

/** What runs at users': no tests, no harness. */
export function isShipped(path: string): boolean {
  return /^(packages|services)\/[^/]+\/src\//.test(path) && isSource(path) && !path.endsWith('.test.ts');
}

/** The shipped files that are too short to be a noun of their own; an entry (`index.ts`, `main.ts`) may be as short as it likes. */
export function shortFiles(sources: readonly SourceFile[]): string[] {
  return sources
    .filter(({ path, text }) => isShipped(path) && !/\/(index|main)\.ts$/.test(path) && linesOf(text) < FILE_LINES_MIN)
    .map(({ path, text }) => `${path}: has ${linesOf(text)} lines`);
}

/** All lines of what ships, comments included. */
export function shippedLines(sources: readonly SourceFile[]): number {
  return sources.filter(({ path }) => isShipped(path)).reduce((sum, { text }) => sum + linesOf(text), 0);
}

function linesOf(text: string): number {
  return text.split('\n').length - 1;
}

/** The demos start NATS servers and backends as tests do. */
const MAY_USE_TESTING = /^test\/|^(packages|services)\/[^/]+\/testing\/|\.test\.ts$|^services\/demo\//;

/** Imports of a package's `testing/` by something that ships. */
export function testingFaults(source: SourceFile): string[] {
  if (MAY_USE_TESTING.test(source.path)) return [];
  const own = importedFiles(source).filter((path) => /^(packages|services)\/[^/]+\/testing\//.test(path));
  const others = source.imports
    .map(({ specifier }) => specifier)
    .filter((name) => /^(muster|@muster\/[\w-]+)\/testing\b/.test(name));
  return [...own, ...others].map((name) => `${source.path}: ${name} is for tests`);
}
