/** The status fits the terminal that it is watched in, and what is wrong is seen first. */
import { expect, test } from 'vitest';
import { startAdmin } from '../admin/node-harness.ts';
import type { RosterView } from '../admin/roster-view.ts';
import type { StatusView } from '../admin/status-view.ts';
import { statusLines, type StatusAnswer } from './status-text.ts';
import { setLines } from './table.ts';

const BACKENDS = 60;
const DRAINED = 'b-57';

async function manyBackends(): Promise<StatusAnswer> {
  await using admin = await startAdmin();
  const { node } = admin;
  const { commandSchema } = await import('@muster/membership');
  const carryOut = (command: object) => node.execute(commandSchema.parse(command), 'test');
  await carryOut({ type: 'DefinePool', pool: 'p' });
  for (let index = 0; index < BACKENDS; index++) {
    await carryOut({ type: 'RegisterBackend', pool: 'p', backend: `b-${index}`, target: `127.0.0.1:${index + 1}` });
  }
  await carryOut({ type: 'SetBackendMode', pool: 'p', backend: DRAINED, mode: 'drain' });
  for (let index = 0; index < 20; index++) {
    await carryOut({ type: 'DefineListener', listener: `l-${index}`, bind: `127.0.0.1:${2_000 + index}`, pool: 'p' });
  }
  const get = async (path: string) => (await fetch(`${admin.url}${path}`)).json();
  return { status: (await get('/v1/status')) as StatusView, roster: (await get('/v1/roster')) as RosterView };
}

test.each([16, 24, 50, 200])(
  '60 backends and 20 listeners fit %i lines, the drained one before the others',
  async (height) => {
    const answer = await manyBackends();
    const lines = setLines(statusLines(answer, Date.now(), height), 80);
    expect(lines.length).toBeLessThanOrEqual(height);
    expect(lines.every((line) => line.length <= 80 || !line.includes('  '))).toBe(true);
    expect(lines[0]).toContain('node lb-1 of cluster default');
    const backends = lines.filter((line) => /^p +b-/.test(line));
    const isCut = backends.length < BACKENDS;
    expect(backends.findIndex((line) => line.includes(DRAINED))).toBeLessThan(isCut ? 1 : BACKENDS);
    expect(backends.some((line) => line.includes(DRAINED))).toBe(true);
    expect(lines.includes(`… ${BACKENDS - backends.length} more`)).toBe(isCut);
  },
);

test('names that cannot be looked up are told in a sentence each, and how many more there are', async () => {
  const answer = await manyBackends();
  const failingNames = Array.from({ length: 10 }, (_, index) => ({
    name: `n-${index}.test`,
    reason: 'the name server did not answer',
    lastsMs: 12_000,
    isStale: index === 0,
  }));
  const lines = setLines(statusLines({ ...answer, status: { ...answer.status, failingNames } }, Date.now()), Infinity);
  const told = lines.filter((line) => line.includes('cannot be looked up'));
  expect(told[0]).toBe(
    'n-0.test cannot be looked up, for 12 s: the name server did not answer; its last addresses are used',
  );
  expect(told[1]).toContain(
    'n-1.test cannot be looked up, for 12 s: the name server did not answer; connections to it fail',
  );
  expect(told.slice(8)).toEqual(['… and 2 more names cannot be looked up']);
});

test('without a limit nothing is left out that a person asked for', async () => {
  const lines = setLines(statusLines(await manyBackends(), Date.now()), Infinity);
  expect(lines.filter((line) => line.startsWith('l-'))).toHaveLength(20);
  expect(lines).toContain('p     … and 10 more');
});
