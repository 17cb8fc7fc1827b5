/** Filters in a real node: TypeScript in real workers, and a filter that cannot be loaded keeps its listener shut, and says why. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startNamedHttp } from '../harness/http/http-backend.ts';
import { ask } from '../harness/http/http-client.ts';
import { oneHttpPool, spawnTestNode, testFolder } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const GREETING = `
import type { Filter } from '@muster/proxy';

export default {
  newContext: () => ({ beganMs: Date.now() }),
  async requestFilter({ path }) {
    return path === '/here' ? { status: 202, body: 'from the filter' } : undefined;
  },
  upstreamResponseFilter: ({ fields }, { beganMs }) => fields.set('X-Began', \`\${beganMs}\`),
} satisfies Filter<{ beganMs: number }>;
`;

test('a filter that cannot be loaded keeps its listener shut until it can, and then works', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedHttp('b-1');
  await mkdir(join(folder.path, 'filters'));
  const file = join(folder.path, 'filters', 'greeting.ts');
  await writeFile(file, 'export const requestFilter = () => undefined;');
  const config = oneHttpPool([backend.target], { listenerLines: 'filters = ["./filters/greeting.ts"]' });
  await using node = await spawnTestNode({ folder, config });
  await eventually('the status says why', async () => {
    const [listener] = (await node.status()).listeners;
    return listener?.state === 'failed' && listener.reason!.includes('greeting.ts) has no default export');
  });
  await writeFile(file, GREETING);
  const address = await node.address('front');
  expect(await ask(address, { path: '/here' })).toMatchObject({ status: 202, body: 'from the filter' });
  const answer = await ask(address);
  expect(answer.backend).toBe('b-1');
  expect(Number(answer.headers['x-began'])).toBeGreaterThan(0);
});

const CARELESS = `
export default {
  requestFilter() {
    setTimeout(() => { throw new Error('thrown by a timer'); }, 0);
    void Promise.reject(new Error('awaited by nobody'));
  },
};
`;

test('what a filter leaves behind costs a line, and no request and no worker', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedHttp('b-1');
  await mkdir(join(folder.path, 'filters'));
  await writeFile(join(folder.path, 'filters', 'careless.ts'), CARELESS);
  const config = oneHttpPool([backend.target], { listenerLines: 'filters = ["./filters/careless.ts"]' });
  await using node = await spawnTestNode({ folder, config });
  const address = await node.address('front');
  const [worker] = (await node.status()).workers;
  for (let index = 0; index < 20; index++) expect((await ask(address)).status).toBe(200);
  await eventually('it is told', () => node.process.output().includes('a filter left an error behind'));
  expect((await node.status()).workers).toMatchObject([{ pid: worker!.pid, restartsCount: 0 }]);
});

const ENDING = `
const WAYS = {
  '/exit': () => process.exit(0),
  '/abort': () => process.abort(),
  '/later': () => void setTimeout(() => process.exit(3), 0),
  '/throw': () => { throw new Error('thrown by a filter'); },
  '/thrown-text': () => { throw 'no error at all'; },
  '/rejected': () => Promise.reject({ toString() { throw new Error('hostile'); } }),
  '/message': () => { throw Object.assign(new Error(), { message: 7n }); },
  '/getter': () => { throw { get message() { throw new Error('hostile'); }, get stack() { throw new Error('hostile'); } }; },
  '/emit': () => void process.emit('SIGTERM', 'SIGTERM'),
  '/code': () => { process.exitCode = 9; },
};
export default { requestFilter: ({ path }) => WAYS[path]?.() };
`;

test('nothing that a filter does to end the process costs others their connections', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedHttp('b-1');
  await mkdir(join(folder.path, 'filters'));
  await writeFile(join(folder.path, 'filters', 'ending.mjs'), ENDING);
  const config = oneHttpPool([backend.target], { listenerLines: 'filters = ["./filters/ending.mjs"]' });
  await using node = await spawnTestNode({ folder, config });
  const address = await node.address('front');
  const [worker] = (await node.status()).workers;
  const paths = [...ENDING.matchAll(/^ {2}'(.*?)'/gm)].map(([, path]) => path!);
  const statuses = new Map<string, number>();
  for (const path of paths) statuses.set(path, (await ask(address, { path })).status);
  for (const path of ['/later', '/emit', '/code']) expect([path, statuses.get(path)]).toEqual([path, 200]);
  for (const path of paths) expect([path, [200, 500].includes(statuses.get(path)!)]).toEqual([path, true]);
  expect(statuses.get('/exit')).toBe(500);
  expect((await ask(address)).backend).toBe('b-1');
  expect((await node.status()).workers).toMatchObject([{ pid: worker!.pid, restartsCount: 0, state: 'serving' }]);
});
