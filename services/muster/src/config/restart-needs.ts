/** Which changes of a config a running node cannot take: everything that is not about the roster. */
import { isDeepStrictEqual } from 'node:util';
import type { NodeConfig } from './node-config.ts';

const NAME_BY_KEY: Record<Exclude<keyof NodeConfig, 'configFolder' | 'warnings'>, string> = {
  id: '[node] id',
  cluster: '[node] cluster',
  workers: '[node] workers',
  admin: '[node] admin',
  adminToken: 'the admin token',
  maxConnections: '[node] maxConnections',
  drainTimeoutMs: '[node] drainTimeoutMs',
  logLevel: '[node] logLevel',
  journal: '[journal]',
  observations: '[observations]',
};

/** The names of what differs, for people: `[node] workers`, `[journal]`. Empty where the running node has it all. */
export function restartNeeds(running: NodeConfig, read: NodeConfig): string[] {
  return Object.entries(NAME_BY_KEY)
    .filter(([key]) => !isDeepStrictEqual(running[key as keyof NodeConfig], read[key as keyof NodeConfig]))
    .map(([, name]) => name);
}
