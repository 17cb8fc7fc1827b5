/**
 * The worked examples do what `docs/filters.md` says: each of its consoles is played against a proxy that has loaded the example,
 * and each example stands there as it is. They are loaded from a folder where no package can be found, as a user's may be.
 */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { answering, ask, get, ok, valuesOf } from '../../../testing/http/scripted.ts';
import { Filtered } from '../../../testing/http/filtered.ts';
import { loadFilters } from './filter-loader.ts';

const ROOT = new URL('../../../../../', import.meta.url);
const docs = await readFile(new URL('docs/filters.md', ROOT), 'utf8');

interface Console {
  readonly example: string;
  readonly calls: readonly { readonly path: string; readonly fields: string; readonly expected: string }[];
}

/** `…` stands for anything, and alone on a line for any lines. */
function patternOf(expected: string): RegExp {
  const escaped = expected.trimEnd().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const lines = escaped.replaceAll(/^…\n/gm, '(?:.+\n)*').replaceAll('…', '.*');
  return new RegExp(`^${lines}\\s*$`);
}

/** Below each example stands one console with calls of curl and what they print. */
function consoles(): Console[] {
  const found = docs.matchAll(/\[`(examples\/filters\/[^`]+)`\][\s\S]*?```console\n([\s\S]*?)```/g);
  return [...found].map(([, example = '', text = '']) => ({
    example,
    calls: text
      .split('$ curl -si ')
      .slice(1)
      .map((call) => {
        const [command = '', ...expected] = call.split('\n');
        const fields = [...command.matchAll(/-H '([^']+)'/g)].map(([, field]) => `${field}\r\n`);
        return {
          path: new URL(command.split(' ').at(-1)!).pathname,
          fields: fields.join(''),
          expected: expected.join('\n'),
        };
      }),
  }));
}

/** Says its name, or what it was asked for. */
function spellsAnswer(name: string, request: string): string {
  const path = request.split(' ', 2)[1];
  if (path === '/whoami')
    return ok(`${valuesOf(request, 'x-client').join()}${valuesOf(request, 'authorization').join()}\n`);
  if (path === '/path') return ok(`/path, API ${valuesOf(request, 'x-api-version')[0] ?? 1}\n`, 'Server: spells\r\n');
  return ok(`${name}\n`);
}

test('there are three', () => {
  expect(consoles().map(({ example }) => example)).toEqual([
    'examples/filters/canary.ts',
    'examples/filters/api-key.ts',
    'examples/filters/timing.ts',
  ]);
});

async function withExample(example: string): Promise<{ readonly filtered: Filtered; readonly port: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-examples-'));
  await cp(new URL('examples/filters/', ROOT), folder, { recursive: true });
  const outcome = await loadFilters([example.replace('examples/filters/', './')], { folder });
  await rm(folder, { recursive: true });
  if (!outcome.ok) throw new Error(outcome.reason);
  const filtered = await Filtered.by([]);
  filtered.filters = outcome.filters;
  const port = await filtered.harness.listen({ id: 'example', protocol: 'http', filters: ['./example.ts'] });
  return { filtered, port };
}

test.each(consoles())('$example', async ({ example, calls }) => {
  expect(docs).toContain(`\`\`\`ts\n${await readFile(new URL(example, ROOT), 'utf8')}\`\`\``);
  const { filtered, port } = await withExample(example);
  await using harness = filtered.harness;
  for (const name of ['spells-1', ...(example.includes('canary') ? ['canary-1'] : [])]) {
    harness.register(name, (await answering(harness, (request) => spellsAnswer(name, request))).target);
  }
  expect(calls.length).toBeGreaterThan(1);
  for (const { path, fields, expected } of calls) {
    const answer = await ask(port, get(path, fields));
    expect(answer.replaceAll('\r\n', '\n')).toMatch(patternOf(expected));
    expect(valuesOf(answer, 'server')).toEqual([]);
  }
});

test('a visitor of the canary example is drawn once', async () => {
  const { filtered, port } = await withExample('examples/filters/canary.ts');
  await using harness = filtered.harness;
  harness.register('spells-1', (await answering(harness, () => ok('hi'))).target);
  const [cookie] = valuesOf(await ask(port), 'set-cookie');
  expect(cookie).toMatch(/^release=(canary|stable); Path=\/; HttpOnly$/);
  const again = await ask(port, get('/', `Cookie: ${cookie!.split(';')[0]}\r\n`));
  expect(valuesOf(again, 'set-cookie')).toEqual([]);
});
