/**
 * Who may import whom: the design's table as data, and the two places where a package could break it, its manifest and its
 * import lines. A type-only import counts like any other, since it ties two packages together just as well.
 */

import { posix } from 'node:path';
import type { SourceFile } from './source-files.ts';

/** Folder → names of our own packages that it may import. What is missing here may import nothing of ours. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'services/muster': [
    '@muster/actors',
    '@muster/proxy',
    '@muster/replay',
    '@muster/publisher',
    '@muster/observations',
    '@muster/journal-embedded',
    '@muster/journal-jetstream',
    '@muster/nats',
    '@muster/journal',
    '@muster/probes',
    '@muster/transport',
    '@muster/selection',
    '@muster/http1',
    '@muster/membership',
    // The demos start these.
    '@muster/spells',
    '@muster/nats-server',
  ],
  'services/spells': ['@muster/publisher'],
  'packages/actors': ['@muster/membership', '@muster/journal', '@muster/probes', '@muster/observations'],
  'packages/proxy': ['@muster/membership', '@muster/selection', '@muster/http1', '@muster/transport'],
  'packages/replay': ['@muster/membership', '@muster/journal', '@muster/selection', '@muster/observations'],
  'packages/publisher': ['@muster/membership', '@muster/nats', '@muster/nats-server'],
  'packages/journal-embedded': ['@muster/membership', '@muster/journal'],
  'packages/journal-jetstream': ['@muster/membership', '@muster/journal', '@muster/nats', '@muster/nats-server'],
  'packages/observations': ['@muster/membership', '@muster/selection'],
  'packages/journal': ['@muster/membership'],
  'packages/nats': ['@muster/membership', '@muster/nats-server'],
  'packages/nats-server': [],
  'packages/probes': ['@muster/membership', '@muster/http1', '@muster/transport'],
  'packages/transport': ['@muster/membership'],
  'packages/selection': ['@muster/membership'],
  'packages/http1': [],
  'packages/membership': [],
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
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
    if (isOurs(name) && !allowed.includes(name)) faults.push(`${folder}: may not depend on ${name}`);
  }
  return faults;
}

/** What a file imports that its package may not, or not in that way. */
export function importFaults({ path, imports }: SourceFile): string[] {
  const folder = packageFolder(path);
  const faults: string[] = [];
  for (const { specifier } of imports) {
    if (specifier.startsWith('.')) {
      const imported = posix.join(posix.dirname(path), specifier);
      if (packageFolder(imported) !== folder) faults.push(`${path}: ${specifier} leaves ${folder}`);
      if (!/\.(ts|mjs|json)$/.test(specifier)) faults.push(`${path}: ${specifier} has no file extension`);
    } else if (isOurs(specifier) && folder in ARROWS) {
      const name = specifier.split('/').slice(0, 2).join('/');
      if (!ARROWS[folder]?.includes(name)) faults.push(`${path}: ${folder} may not import ${name}`);
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
  return specifier === 'muster' || specifier.startsWith('@muster/');
}
