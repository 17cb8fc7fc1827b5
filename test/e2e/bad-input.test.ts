/**
 * What comes from outside and is wrong gets a clear error and changes nothing: the node goes on, with the same roster.
 */
import { writeFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { nameBehind } from '../harness/client.ts';
import { onePool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';

const post = (node: TestNode, path: string, body: string | Uint8Array<ArrayBuffer>) =>
  fetch(`${node.admin}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

test('commands, events and bodies of any shape are answered with 4xx, and nothing changes', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('b');
  await using node = await startTestNode({
    folder,
    config: onePool([backend.target]),
  });
  const before = await node.status();

  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('/v1/commands', '/v1/events'),
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes)),
        fc
          .record({
            type: fc.constantFrom('DefinePool', 'RegisterBackend', 'Nonsense'),
            pool: fc.anything(),
            no: fc.nat(),
          })
          .map((body) => JSON.stringify(body)),
        fc.record({ subject: fc.string(), payload: fc.json() }).map((body) => JSON.stringify(body)),
      ),
      async (path, body) => {
        const answer = await post(node, path, body);
        const text = await answer.text();
        expect(Math.floor(answer.status / 100)).toBe(4);
        expect(JSON.parse(text)).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
      },
    ),
    { numRuns: 300 },
  );

  for (const version of [0, 2, '1', null]) {
    const payload = { type: 'PoolRemoved', version };
    const answer = await post(node, '/v1/events', JSON.stringify({ subject: 'muster.default.pool.p', payload }));
    expect(answer.status).toBe(400);
  }
  // The answer may be cut off, since nobody reads ten megabytes to the end to say no.
  const tenMegabytes = post(node, '/v1/commands', `{"type":"${'x'.repeat(10_000_000)}"}`);
  expect(
    await tenMegabytes.then(
      ({ status }) => status,
      () => 413,
    ),
  ).toBe(413);

  const after = await node.status();
  expect(after.hash).toBe(before.hash);
  expect(await nameBehind(await node.address('front'))).toBe('b');
});

test.each([
  ['bind = "127.0.0.1"\npool = "spells"', 6, 'an address is HOST:PORT'],
  ['bind = "127.0.0.1:0"\npool = "spels"', 7, 'did you mean "spells"?'],
  ['bind = "127.0.0.1:0"\npoool = "spells"', 7, 'did you mean "pool"?'],
  ['bind = "127.0.0.1:0\npool = "spells"', 6, ''],
])('a broken config (%j) is refused with file, line, what and how to fix', async (lines, line, hint) => {
  await using folder = await testFolder();
  await using node = await startTestNode({ folder });
  const file = `${folder.path}/broken.toml`;
  await writeFile(file, `[[pools]]\nid = "spells"\n\n[[listeners]]\nid = "web"\n${lines}\n`);
  const before = await node.status();
  const { code, output } = await node.muster('apply', '-f', file);
  expect(code).toBe(1);
  expect(output).toContain(`${file}:${line}:`);
  expect(output).toContain(hint);
  expect((await node.status()).hash).toBe(before.hash);
});
