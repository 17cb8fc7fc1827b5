/**
 * The filter files that a config's listeners name: each must be there when the config is read.
 *
 * Whether one holds what a filter must hold is found out by the workers that load it; and whether the other nodes of the
 * cluster have it, too, by each of them.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigFile } from './config-schema.ts';
import type { Fault } from './declared-roster.ts';

/** `folder`: of the config file, absolute. */
export function filterFaults(listeners: ConfigFile['listeners'], folder: string): Fault[] {
  return listeners.flatMap(({ id, filters = [] }, index) =>
    filters.flatMap((filter, at) => {
      const path = ['listeners', index, 'filters', at];
      const file = resolve(folder, filter);
      const trouble = troubleWith(file);
      if (trouble === null) return [];
      const what = `listener "${id}" names the filter ${filter}, and ${file} ${trouble}`;
      return [{ path, what, fix: "give its path from the config file's folder, or create it" }];
    }),
  );
}

function troubleWith(file: string): string | null {
  try {
    return statSync(file).isFile() ? null : 'is not a file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read: ${code ?? String(error)}`;
  }
}
