/** The status fits the terminal that it is watched in, and what is wrong is seen first. */
import { expect, test } from 'vitest';
import { startAdmin } from '@muster/admin/testing';
import type { RosterView } from '@muster/questions/roster';
import type { StatusView } from '@muster/questions/status';
import { setLines } from '@muster/questions/text';
import { statusLines, type StatusAnswer } from './status-text.ts';

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
    const lines = setLines(statusLines(answer, Date.now(), { height }), 80);
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
  expect(lines.filter((line) => /^p +b-/.test(line))).toHaveLength(BACKENDS);
});

/** As the admin API shows them, with one backend in five hundred that is drained, and no listener that leads to any but the first. */
async function manyPools(count: number): Promise<StatusAnswer> {
  const { status, roster } = await manyBackends();
  const [pool] = roster.pools;
  const sound = pool!.backends.find(({ id }) => id === 'b-1')!;
  const drained = pool!.backends.find(({ id }) => id === DRAINED)!;
  const pools = Array.from({ length: count }, (_, index) => {
    const others = ['a', 'b', 'c', 'd'].map((id) => ({ ...sound, id }));
    return { ...pool!, id: `p-${index}`, backends: [...others, { ...(index % 500 === 0 ? drained : sound), id: 'e' }] };
  });
  return { status, roster: { ...roster, pools } };
}

test('of 2,000 pools the counts are shown, what is wrong, and where the rest is', async () => {
  const answer = await manyPools(2_000);
  const lines = setLines(statusLines(answer, Date.now()), Infinity);
  expect(lines.length).toBeLessThan(150);
  expect(lines).toContain('20 listeners, 2000 pools with 10000 backends: 9996 take traffic, 4 do not');
  expect(lines.filter((line) => line.includes('no: mode drain'))).toHaveLength(4);
  expect(lines.find((line) => line.includes('--wrong'))).toContain('--all every row');
  expect(lines).toContain('… 9901 more');

  const wrong = setLines(statusLines(answer, Date.now(), { rows: 'wrong' }), Infinity);
  expect(wrong.filter((line) => line.startsWith('p-'))).toHaveLength(4);
  const one = setLines(statusLines(answer, Date.now(), { pool: 'p-7' }), Infinity);
  expect(one.filter((line) => line.startsWith('p-')).map((line) => line.split(/ +/).slice(0, 2))).toEqual(
    ['a', 'b', 'c', 'd', 'e'].map((id) => ['p-7', id]),
  );
  const all = setLines(statusLines(answer, Date.now(), { rows: 'all' }), Infinity);
  expect(all.filter((line) => line.startsWith('p-'))).toHaveLength(10_000);
});
