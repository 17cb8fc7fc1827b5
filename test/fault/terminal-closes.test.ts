/**
 * Fault: the terminal in which `muster up` was started is closed. The kernel says so by SIGHUP, which otherwise reads the config again;
 * with nobody in front of it any more the node drains, says that it stopped, and ends with all its workers.
 */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { onePool, startTestNode, testFolder } from '../harness/node.ts';
import { eventually, isAlive } from '../harness/processes/process.ts';

/** `script` of util-linux gives a command a terminal of its own, which closes when `script` ends. */
const IN_TERMINAL = ['sh', '-c', 'exec script -qec "exec $*" /dev/null', 'sh'];

function lacksScript(): boolean {
  try {
    execFileSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' });
    return false;
  } catch {
    process.stderr.write('skipped: there is no script of util-linux, which makes a terminal\n');
    return true;
  }
}

test.skipIf(lacksScript())('a node whose terminal is closed stops by itself, and its workers with it', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('b');
  const place = { prefix: IN_TERMINAL, reach: (port: number) => Promise.resolve(port) };
  const config = onePool([backend.target]);
  let workers: number[];
  {
    await using node = await startTestNode({ folder, config, place });
    workers = await node.workerPids();
    await node.process.end('SIGKILL');
    await eventually('it answers nobody any more', () =>
      fetch(node.admin).then(
        () => false,
        () => true,
      ),
    );
  }
  await eventually('its workers are gone', () => !workers.some(isAlive));

  await using again = await startTestNode({ folder, config });
  const { output } = await again.muster('events', '--node', 'lb-1');
  expect(output).toMatch(/started[^]*stopped.*SIGHUP[^]*started/);
});
