/** Each rule fails where it should: small made-up files, each with one fault, next to one that has none. */

import { describe, expect, test } from 'vitest';
import { importFaults, manifestFaults } from './arrows.ts';
import { logFaults } from './log-rules.ts';
import { codeFaults, FILE_LINES_MAX, nameFaults, shapeFaults, textFaults } from './rules.ts';
import { parseSource } from './source-files.ts';

const PROBE = 'packages/probes/src/http.ts';
const PURE = 'packages/membership/src/fold/roster.ts';

describe('imports', () => {
  test.each([
    [PROBE, `import { a } from '@muster/journal';`],
    [PROBE, `import type { A } from '@muster/journal';`],
    [PROBE, `export { a } from '@muster/proxy';`],
    [PROBE, `export type { A } from '@muster/proxy';`],
    [PROBE, `export * from '@muster/proxy';`],
    [PROBE, `import '@muster/actors';`],
    [PROBE, `const a = await import('@muster/selection');`],
    [PROBE, `type A = import('@muster/selection').A;`],
    [PROBE, `import { a } from '../../journal/src/index.ts';`],
    [PROBE, `import { a } from '../../../test/bench/main.ts';`],
    [PROBE, `import { a } from './http';`],
    [PROBE, `import { a } from 'muster';`],
    ['packages/journal-embedded/src/file.ts', `import { a } from '@muster/journal-jetstream';`],
    ['packages/membership/src/vocabulary/event.ts', `import { a } from '@muster/selection';`],
    ['test/e2e/drain.test.ts', `import { a } from '../../packages/proxy/src/relay.ts';`],
  ])('%s may not say %s', (path, text) => {
    expect(importFaults(parseSource(path, text))).toHaveLength(1);
  });

  test.each([
    [
      PROBE,
      `import { a } from '@muster/membership'; import { connect } from 'node:net'; import { b } from './http.ts';`,
    ],
    [PROBE, `// import { a } from '@muster/journal';`],
    ['services/muster/src/main.ts', `import { a } from '@muster/journal-embedded';`],
    ['test/e2e/drain.test.ts', `import { a } from '@muster/proxy'; import { b } from '../e2e/node.ts';`],
  ])('%s may say %s', (path, text) => {
    expect(importFaults(parseSource(path, text))).toEqual([]);
  });
});

test('a manifest may only depend downwards, under its own name', () => {
  expect(manifestFaults('packages/probes', { name: '@muster/probes', dependencies: { zod: '4' } })).toEqual([]);
  const upwards = { name: '@muster/probes', dependencies: { '@muster/proxy': 'workspace:*' } };
  expect(manifestFaults('packages/probes', upwards)).toEqual(['packages/probes: may not depend on @muster/proxy']);
  const upwardsInTests = { name: '@muster/probes', devDependencies: { '@muster/actors': 'workspace:*' } };
  expect(manifestFaults('packages/probes', upwardsInTests)).toHaveLength(1);
  expect(manifestFaults('packages/probes', { name: '@muster/probe' })).toHaveLength(1);
  expect(manifestFaults('packages/anything', { name: '@muster/anything' })).toHaveLength(1);
});

test.each([
  'packages/proxy/src/utils/a.ts',
  'packages/proxy/src/helpers.ts',
  'test/shared/a.ts',
  'test/e2e/dialLate.ts',
  'Docs/a.md',
])('the name %s is refused', (path) => expect(nameFaults(path)).toHaveLength(1));

test.each(['packages/proxy/src/relay.test.ts', 'docs/adr/0001-one-log.md', 'README.md', '.ci/run', '.oxlintrc.json'])(
  'the name %s is fine',
  (path) => expect(nameFaults(path)).toEqual([]),
);

test('a file is short and opens with a comment', () => {
  expect(shapeFaults(parseSource(PROBE, `/** What it is. */\nexport const a = 1;\n`))).toEqual([]);
  expect(shapeFaults(parseSource('a.mjs', `#!/usr/bin/env node\n/** What it is. */\n`))).toEqual([]);
  expect(shapeFaults(parseSource(PROBE, `export const a = 1;\n/** Too late. */\n`))).toHaveLength(1);
  expect(shapeFaults(parseSource(PROBE, `export const a = 1;\n`))).toHaveLength(1);
  expect(shapeFaults(parseSource('a.mjs', `#!/usr/bin/env node\nconst a = 1;\n`))).toHaveLength(1);
  expect(shapeFaults(parseSource(PROBE, `// Long.\n${'\n'.repeat(FILE_LINES_MAX)}`))).toHaveLength(1);
});

test.each([
  [PURE, 'const now = Date.now();'],
  [PURE, 'const a = Math.random();'],
  [PURE, 'setTimeout(() => {}, 1);'],
  [PURE, 'const a = process.pid;'],
  [PROBE, 'const a = process.env.HOME;'],
  [PROBE, `process.on('SIGTERM', () => {});`],
  ['test/e2e/a.test.ts', `test.only('a', () => {});`],
])('in %s, %s is refused', (path, text) => {
  expect(codeFaults(parseSource(path, text))).toHaveLength(1);
});

test.each([
  [PURE, '// Date.now() would make two nodes differ.'],
  ['packages/membership/src/roster.test.ts', 'const now = Date.now();'],
  [PROBE, 'setTimeout(() => {}, 1);'],
  ['services/muster/src/main.ts', `process.once('SIGTERM', () => {}); const a = process.env.HOME;`],
])('in %s, %s is fine', (path, text) => {
  expect(codeFaults(parseSource(path, text))).toEqual([]);
});

test.each(['// TODO: later', 'see /work/main/a.ts', '"/root/.cache"', 'at registry.example.org'])(
  'the text %s is refused',
  (text) => {
    expect(textFaults('docs/a.md', text)).toHaveLength(1);
  },
);

test.each(['todos are fine', 'homework/main', 'GET /spells', 'the registry of backends'])(
  'the text %s is fine',
  (text) => {
    expect(textFaults('docs/a.md', text)).toEqual([]);
  },
);

describe('the log', () => {
  test.each([
    `log.error({ error }, 'it failed');`,
    `this.#log.warn({ a: 1, error: err }, 'it failed');`,
    `options.log.info({ cause }, 'it failed');`,
    `log[level]({ e: thrown }, 'it failed');`,
    `log.error({}, \`it failed: \${error.message}\`);`,
    `log.error({ reason: messageOf(error) }, 'it failed');`,
    `ports.log.error({ path }, \`it failed: \${messageOf(error)}\`);`,
    `log.error('it failed');`,
    `console.error('it failed');`,
    `process.stderr.write('it failed');`,
  ])('%s is refused', (text) => {
    expect(logFaults(parseSource(PROBE, text))).toHaveLength(1);
  });

  test.each([
    `log.error({ err }, 'it failed');`,
    `log.error({ err: error, path }, \`it failed: \${messageOf(error)}\`);`,
    `log.warn({ reason }, \`it failed: \${reason}\`);`,
    `log.error({}, \`config: \${outcome.message}\`);`,
    `answer.error({ error });`,
  ])('%s is fine', (text) => {
    expect(logFaults(parseSource(PROBE, text))).toEqual([]);
  });

  test('the one file that writes to terminals may, and tests may do anything', () => {
    const write = `process.stdout.write('a');`;
    expect(logFaults(parseSource('packages/questions/src/text/output.ts', write))).toEqual([]);
    expect(logFaults(parseSource('packages/probes/src/a.test.ts', `console.log(1);`))).toEqual([]);
  });
});
