/**
 * Every signal that can be heard, sent to the control process and to a worker: none but those that stop a node ends anything, none
 * opens an inspector, and SIGHUP reads the config again.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { openClient } from '../harness/client.ts';
import { onePool, startTestNode, testFolder, type TestFolder } from '../harness/node.ts';
import { eventually, isAlive } from '../harness/processes/process.ts';

const STOP = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGPWR', 'SIGXCPU'] as const;
/** Nobody hears these, or they stand for a defect, or they stop a process for as long as somebody wants. */
const NOT_SENT = new Set(
  ['KILL', 'STOP', 'TSTP', 'TTIN', 'TTOU', 'SEGV', 'BUS', 'ILL', 'FPE', 'ABRT', 'IOT', 'SYS', 'TRAP', 'UNUSED'].map(
    (name) => `SIG${name}`,
  ),
);
const HEARD = Object.keys(constants.signals).filter((name) => !NOT_SENT.has(name)) as NodeJS.Signals[];

test('signals that mean nothing to a node end neither it nor its workers, and open no inspector', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('b');
  await using node = await startTestNode({ folder, config: onePool([backend.target]) });
  await using client = await openClient(await node.address('front'));
  await client.greeting();
  const [worker] = await node.workerPids();
  for (const signal of HEARD) process.kill(worker!, signal);
  const toNode = HEARD.filter((signal) => !(STOP as readonly string[]).includes(signal));
  for (const signal of toNode) process.kill(node.process.pid, signal);

  await eventually('the log names the last of them', () =>
    ['SIGUSR1', 'SIGUSR2', 'SIGSTKFLT'].every((signal) =>
      node.process.output().includes(`${signal} means nothing to this program`),
    ),
  );
  await client.echo('still here');
  expect(await node.workerPids()).toEqual([worker]);
  expect(node.process.output()).not.toContain('Debugger');
  client.socket.end();
  expect(await node.stop()).toBe(0);
});

test.each(STOP)('%s drains a node, and its exit code is 0', async (signal) => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('b');
  await using node = await startTestNode({ folder, config: onePool([backend.target]) });
  await using client = await openClient(await node.address('front'));
  await client.greeting();
  const [worker] = await node.workerPids();
  const ended = node.process.end(signal);
  await eventually('it drains', () => node.process.output().includes(`${signal}: draining`));
  await client.echo('still served');
  client.socket.end();
  expect(await ended).toBe(0);
  expect(isAlive(worker!)).toBe(false);
});

/** Changes the node's config file. */
async function rewrite({ path }: TestFolder, change: (text: string) => string): Promise<void> {
  const file = join(path, 'lb-1.toml');
  await writeFile(file, change(await readFile(file, 'utf8')));
}

test('SIGHUP applies a config that has changed, and keeps what it has where the file is broken, empty or another node’s', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('b');
  await using node = await startTestNode({ folder, config: onePool([backend.target]) });
  await using client = await openClient(await node.address('front'));
  await client.greeting();
  const pools = async () => {
    const roster = (await (await fetch(`${node.admin}/v1/roster`)).json()) as { pools: { id: string }[] };
    return roster.pools.map(({ id }) => id);
  };
  let logged = 0;
  const hangUp = async (text: string) => {
    process.kill(node.process.pid, 'SIGHUP');
    await eventually(`the log says ${text}`, () => node.process.output().indexOf(text, logged) >= 0);
    logged = node.process.output().length;
  };

  const good = await readFile(join(folder.path, 'lb-1.toml'), 'utf8');
  await rewrite(folder, (text) => `${text.replace('workers = 1', 'workers = 2')}\n[[pools]]\nid = "more"\n`);
  await hangUp('applied; what has changed of node.workers needs a restart');
  expect(await pools()).toEqual(['more', 'p']);

  await rewrite(folder, (text) => `${text}\n[[pools]]\nid = `);
  await hangUp('SIGHUP: the config is not applied:');
  await rewrite(folder, () => good.slice(0, good.indexOf('[[pools]]')));
  await hangUp('declares no pool and no listener any more');
  await rewrite(folder, () => good.replace('id = "lb-1"', 'id = "lb-2"'));
  await hangUp('it is the config of node lb-2');
  expect(await pools()).toEqual(['more', 'p']);

  await rewrite(folder, () => good);
  await hangUp('the config was read again and applied');
  expect(await pools()).toEqual(['p']);
  await client.echo('untouched');
  client.socket.end();
  expect(await node.stop()).toBe(0);
});
