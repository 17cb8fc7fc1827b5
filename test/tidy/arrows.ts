/**
 * Who may import whom: the design's table as data, and the two places where a package could break it, its manifest and its
 * import lines. A type-only import counts like any other, since it ties two packages together just as well.
 */

import { posix } from 'node:path';
import type { SourceFile } from './source-files.ts';

/** Folder → names of our own packages that it may import. What is missing here may import nothing of ours. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'services/demo': ['muster', '@muster/config', '@muster/questions', '@muster/spells', '@muster/nats-server'],
  'services/muster': [
    '@muster/cli',
    '@muster/admin',
    '@muster/config',
    '@muster/metrics',
    '@muster/questions',
    '@muster/actors',
    '@muster/proxy',
    '@muster/publisher',
    '@muster/observations',
    '@muster/journal-embedded',
    '@muster/journal-jetstream',
    '@muster/nats',
    '@muster/journal',
    '@muster/probes',
    '@muster/transport',
    '@muster/selection',
    '@muster/membership',
  ],
  'services/spells': ['@muster/publisher'],
  // `apply` and `import` plan with the config.
  'packages/cli': ['@muster/config', '@muster/questions', '@muster/actors', '@muster/replay', '@muster/membership'],
  'packages/admin': [
    '@muster/questions',
    '@muster/actors',
    '@muster/replay',
    '@muster/observations',
    '@muster/journal',
    '@muster/transport',
    '@muster/membership',
  ],
  'packages/config': ['@muster/questions', '@muster/actors', '@muster/nats', '@muster/transport', '@muster/membership'],
  'packages/metrics': [
    '@muster/questions',
    '@muster/actors',
    '@muster/proxy',
    '@muster/replay',
    '@muster/transport',
    '@muster/observations',
    '@muster/membership',
  ],
  'packages/questions': [
    '@muster/replay',
    '@muster/actors',
    '@muster/proxy',
    '@muster/observations',
    '@muster/journal',
    '@muster/transport',
    '@muster/selection',
    '@muster/membership',
  ],
  'packages/actors': ['@muster/membership', '@muster/journal', '@muster/probes', '@muster/observations'],
  'packages/proxy': ['@muster/membership', '@muster/selection', '@muster/http1', '@muster/transport'],
  'packages/replay': ['@muster/membership', '@muster/journal', '@muster/selection', '@muster/observations'],
  'packages/publisher': ['@muster/membership', '@muster/nats'],
  'packages/journal-embedded': ['@muster/membership', '@muster/journal'],
  'packages/journal-jetstream': ['@muster/membership', '@muster/journal', '@muster/nats'],
  'packages/observations': ['@muster/membership', '@muster/selection'],
  'packages/journal': ['@muster/membership'],
  'packages/nats': ['@muster/membership'],
  'packages/nats-server': [],
  'packages/probes': ['@muster/membership', '@muster/http1', '@muster/transport'],
  'packages/transport': ['@muster/membership'],
  'packages/selection': ['@muster/membership'],
  'packages/http1': [],
  'packages/membership': [],
};

/** What tests and harnesses of a package may import besides: other packages' harnesses, and what these are about. */
const TEST_ARROWS: Readonly<Record<string, readonly string[]>> = {
  'services/muster': ['@muster/nats-server', '@muster/replay', '@muster/spells', '@muster/http1'],
  'packages/cli': ['@muster/admin', '@muster/journal', '@muster/observations'],
  'packages/admin': ['@muster/metrics', '@muster/proxy'],
  'packages/publisher': ['@muster/nats-server'],
  'packages/journal-jetstream': ['@muster/nats-server'],
  'packages/nats': ['@muster/nats-server'],
};

/** A package's manifest, as far as it matters here. */
export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** What a manifest asks for that its folder may not have. */
export function manifestFaults(folder: string, manifest: Manifest): string[] {
  const allowed = ARROWS[folder];
  if (allowed === undefined) return [`${folder}: has no line in the table of who may import whom`];
  const expectedName = folder === 'services/muster' ? 'muster' : `@muster/${posix.basename(folder)}`;
  const faults = manifest.name === expectedName ? [] : [`${folder}: is named ${manifest.name}, not ${expectedName}`];
  const inTests = [...allowed, ...(TEST_ARROWS[folder] ?? [])];
  for (const [names, may] of [
    [manifest.dependencies, allowed],
    [manifest.devDependencies, inTests],
  ] as const) {
    for (const name of Object.keys(names ?? {})) {
      if (isOurs(name) && !may.includes(name)) faults.push(`${folder}: may not depend on ${name}`);
    }
  }
  return faults;
}

/** What a file imports that its package may not, or not in that way. */
export function importFaults({ path, imports }: SourceFile): string[] {
  const folder = packageFolder(path);
  const isTest = path.endsWith('.test.ts') || path.includes('/testing/');
  const allowed = [...(ARROWS[folder] ?? []), ...(isTest ? (TEST_ARROWS[folder] ?? []) : [])];
  const faults: string[] = [];
  for (const { specifier } of imports) {
    if (specifier.startsWith('.')) {
      const imported = posix.join(posix.dirname(path), specifier);
      if (packageFolder(imported) !== folder) faults.push(`${path}: ${specifier} leaves ${folder}`);
      if (!/\.(ts|mjs|json)$/.test(specifier)) faults.push(`${path}: ${specifier} has no file extension`);
    } else if (isOurs(specifier) && folder in ARROWS) {
      const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : 'muster';
      const isItself = isTest && name === `@muster/${posix.basename(folder)}`;
      if (!isItself && !allowed.includes(name)) faults.push(`${path}: ${folder} may not import ${name}`);
    }
  }
  return faults;
}

/** `packages/probes` for a file in it; `test` for all tests that cross packages; empty for the root's own files. */
export function packageFolder(path: string): string {
  const [top = '', name = '', ...rest] = path.split('/');
  if (top === 'packages' || top === 'services') return `${top}/${name}`;
  return top === 'test' && (name !== '' || rest.length > 0) ? 'test' : '';
}

function isOurs(specifier: string): boolean {
  return /^(muster(\/|$)|@muster\/)/.test(specifier);
}
