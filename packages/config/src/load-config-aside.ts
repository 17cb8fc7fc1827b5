/**
 * Reads a config again while a node serves: on a thread of its own, because a file of 1 MiB takes a part of a second to parse, and to find
 * in it the lines of what is wrong, and nothing may hold a node's event loop for so long.
 */
import { Worker } from 'node:worker_threads';
import type { AskedConfig } from './config-thread.ts';
import type { LoadedConfig, LoadOptions } from './load-config.ts';

/** As `loadConfig`. Rejects where the thread fails, which is a defect. */
export function loadConfigAside(path: string, options: Pick<LoadOptions, 'environment'> = {}): Promise<LoadedConfig> {
  const asked: AskedConfig = { path, options };
  const { promise, resolve, reject } = Promise.withResolvers<LoadedConfig>();
  const thread = new Worker(new URL('./config-thread.ts', import.meta.url), {
    name: 'config',
    workerData: asked,
    execArgv: [],
  });
  thread.once('message', resolve);
  thread.once('error', reject);
  thread.once('exit', (code) => reject(new Error(`the thread that reads ${path} ended with ${code} and no answer`)));
  return promise;
}
