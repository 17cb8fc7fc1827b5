/**
 * The rules of the house that no linter has. Each takes one file and returns its faults, as sentences that begin with the
 * path; none is the good case. The length of functions is oxlint's business (`max-lines-per-function`).
 */

import type { SourceFile } from './source-files.ts';

export const FILE_LINES_MAX = 400;

/** Folders of this kind collect whatever nobody found a name for. */
const NAMELESS_FOLDERS = new Set(['utils', 'util', 'common', 'shared', 'helpers', 'misc', 'lib']);

/** Names that tools give and no rule of ours can change. */
const NAMES_BY_TOOLS = /^(README|LICENSE|CONTRIBUTING|Dockerfile|\.[\w.-]+)(\.md)?$/;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;

/** Kebab-case names, and no folder that means nothing. */
export function nameFaults(path: string): string[] {
  const parts = path.split('/');
  const faults = parts
    .filter((part) => NAMELESS_FOLDERS.has(part.replace(/\.(ts|mjs)$/, '')))
    .map((part) => `${path}: ${part} says nothing about what is in it`);
  const odd = parts.find((part) => !KEBAB_CASE.test(part) && !NAMES_BY_TOOLS.test(part));
  return odd === undefined ? faults : [...faults, `${path}: ${odd} is not kebab-case`];
}

/** Short enough to be read, and opened by a comment that says what the file is. */
export function shapeFaults({ path, text, firstCommentAt }: SourceFile): string[] {
  const faults: string[] = [];
  const lines = text.split('\n').length - 1;
  if (lines > FILE_LINES_MAX) faults.push(`${path}: has ${lines} lines; the most is ${FILE_LINES_MAX}`);
  const beforeComment = text.slice(0, firstCommentAt ?? text.length).replace(/^#!.*/, '');
  if (beforeComment.trim() !== '' || firstCommentAt === null) faults.push(`${path}: does not open with a comment`);
  return faults;
}

const UNFINISHED = /\b(TODO|FIXME|XXX)\b/;
const MACHINE_PATH = /(^|[\s'"`(=])\/(work|root|home|Users|tmp\/bash_jobs)\//;
const REGISTRY = /\b(registry(\.[\w-]+)+\.\w{2,}|artifactory|nexus)\b/i;

/** For any text file: nothing unfinished, nothing that holds only on somebody's machine. */
export function textFaults(path: string, text: string): string[] {
  const faults: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const at = `${path}:${index + 1}`;
    if (UNFINISHED.test(line)) faults.push(`${at}: is marked as unfinished`);
    if (MACHINE_PATH.test(line)) faults.push(`${at}: names a path of one machine`);
    if (REGISTRY.test(line)) faults.push(`${at}: names a package registry`);
  }
  return faults;
}

const FOCUSED_TEST = /\b(test|it|describe|suite)(\.\w+)*\.only\b/;
const PURE_FOLDERS = /^packages\/(membership|selection|http1)\/src\//;
const IMPURE =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|setImmediate|queueMicrotask|process\.\w|globalThis\.|crypto\.random)/;
const ENVIRONMENT = /\bprocess\.env\b/;
const SIGNALS = /\bprocess\s*\.\s*(on|once|addListener)\(\s*['"]SIG/;

/** Rules about code: comments may name what code may not do. */
export function codeFaults({ path, code }: SourceFile): string[] {
  const isTest = path.endsWith('.test.ts');
  const isPure = PURE_FOLDERS.test(path) && !isTest;
  const isPackage = path.startsWith('packages/') && !isTest && !path.includes('/testing/');
  const faults: string[] = [];
  for (const [index, line] of code.split('\n').entries()) {
    const at = `${path}:${index + 1}`;
    if (FOCUSED_TEST.test(line)) faults.push(`${at}: runs one test only`);
    const impurity = isPure ? IMPURE.exec(line)?.[0] : undefined;
    if (impurity !== undefined) faults.push(`${at}: ${impurity} in a pure package`);
    if (isPackage && ENVIRONMENT.test(line)) faults.push(`${at}: only services read the environment`);
    if (isPackage && SIGNALS.test(line)) faults.push(`${at}: only services listen to signals`);
  }
  return faults;
}
