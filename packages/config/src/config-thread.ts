/** The thread of `load-config-aside.ts`: reads one config, hands it over, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadConfig, type LoadOptions } from './load-config.ts';

export interface AskedConfig {
  readonly path: string;
  readonly options: LoadOptions;
}

const { path, options } = workerData as AskedConfig;
parentPort!.postMessage(await loadConfig(path, options));
