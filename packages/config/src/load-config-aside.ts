/**
 * Reads a config again while a node serves: on a thread of its own, because a file of 1 MiB takes a part of a second to parse, and to find
 * in it the lines of what is wrong, and nothing may hold a node's event loop for so long. The thread runs this same file.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { loadConfig, type LoadedConfig, type LoadOptions } from './load-config.ts';

/** Tells the thread of this file from any other one that loads it. */
const ROLE = 'muster-config-reader';

interface Asked {
  readonly role: typeof ROLE;
  readonly path: string;
  readonly options: LoadOptions;
}

/** As `loadConfig`. Rejects where the thread fails, which is a defect. */
export function loadConfigAside(path: string, options: Pick<LoadOptions, 'environment'> = {}): Promise<LoadedConfig> {
  const asked: Asked = { role: ROLE, path, options };
  const { promise, resolve, reject } = Promise.withResolvers<LoadedConfig>();
  const thread = new Worker(new URL(import.meta.url), { name: 'config', workerData: asked, execArgv: [] });
  thread.once('message', resolve);
  thread.once('error', reject);
  thread.once('exit', (code) => reject(new Error(`the thread that reads ${path} ended with ${code} and no answer`)));
  return promise;
}

const asked = workerData as Asked | null | undefined;
if (asked?.role === ROLE) parentPort?.postMessage(await loadConfig(asked.path, asked.options));
