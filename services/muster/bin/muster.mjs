#!/usr/bin/env node
/**
 * The `muster` command. Plain JavaScript, so that it also starts on an old Node: then it hands over to the Node that is
 * installed with the project, which runs the TypeScript of `src/main.ts` as it is.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 26;

// At once: until there is a handler, this signal opens an inspector.
process.on('SIGUSR1', () => undefined);

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) {
  // An old Node that handed over holds the other end of this channel. Without it nobody could end this process any more.
  if (process.channel !== undefined) {
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
    process.channel.unref();
  }
  await import('../src/main.ts');
} else {
  const node = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));
  if (!existsSync(node)) {
    console.error(`muster: Node ${NODE_MAJOR_MIN} is needed, this is ${process.version}; "npm start" installs it here`);
    process.exit(1);
  }
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  // A terminal's Ctrl-C has reached the child already; it decides when to end, and this process ends after it.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal));
  }
  child.once('close', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}
