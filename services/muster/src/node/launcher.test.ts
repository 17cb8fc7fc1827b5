/** Which ancestors are watched: npm and its shell, and nothing that somebody made independent of them. */
import { expect, test } from 'vitest';
import { launchersOf } from './launcher.ts';

type Ancestor = Parameters<typeof launchersOf>[0];

/** This process with its ancestors, the nearest first; all in one session. */
function chain(...commands: readonly (readonly string[])[]): Map<number, Ancestor> {
  const self = { pid: 10, parent: 11, session: 1, startedAt: '1', command: ['node', 'muster.mjs', 'up'] };
  const ancestors = commands.map((command, index): Ancestor => {
    return { pid: 11 + index, parent: 12 + index, session: 1, startedAt: '1', command };
  });
  return new Map([self, ...ancestors].map((ancestor) => [ancestor.pid, ancestor]));
}

function watched(processes: Map<number, Ancestor>): number[] {
  return launchersOf(processes.get(10)!, (pid) => processes.get(pid) ?? null).map(({ pid }) => pid);
}

const NPM = ['npm exec muster up'];
const NPM_EARLY = ['node', '/usr/lib/node_modules/npm/bin/npx-cli.js', 'muster', 'up'];

test.each([
  [
    [['sh', '-c', "'muster' up"], NPM],
    [11, 12],
  ],
  [
    [['/bin/bash', '-c', 'muster up'], NPM_EARLY],
    [11, 12],
  ],
  [
    [['node', '/app/services/muster/bin/muster.mjs', 'up'], ['sh', '-c', 'muster up'], NPM],
    [12, 13],
  ],
  [[['node', 'bootstrap.mjs', 'muster', 'up'], NPM], [12]],
  [[NPM], [11]],
  [[['pnpm']], [11]],
])('%j: watched', (ancestors, pids) => {
  expect(watched(chain(...ancestors))).toEqual(pids);
});

test.each([
  [[['sh', '-c', 'nohup muster up'], NPM]],
  [[['sh', '-c', 'setsid muster up'], NPM]],
  [[['sh', '-c', 'muster up &'], NPM]],
  [[['bash'], NPM]],
  [[['sh', './start.sh'], ['sh', '-c', './start.sh'], NPM]],
  [[['/sbin/init']]],
  [[['/usr/lib/systemd/systemd', '--user']]],
  [[['node', 'supervisor.js'], NPM]],
  [[]],
])('%j: not watched', (ancestors) => {
  expect(watched(chain(...ancestors))).toEqual([]);
});

test('a session of its own makes it independent', () => {
  const processes = chain(['sh', '-c', 'muster up'], NPM);
  processes.set(10, { ...processes.get(10)!, session: 10 });
  expect(watched(processes)).toEqual([]);
});
