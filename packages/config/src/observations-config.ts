/**
 * The `[observations]` table: whether, where and for how long the node keeps what it sees.
 *
 * By default they lie beside what the node keeps anyway, its journal or its last snapshot. A node with a journal in memory keeps
 * nothing on its disk, and so no observations either, unless it is told where.
 */
import { dirname, join } from 'node:path';
import type { ConfigFile } from './config-schema.ts';
import type { Fault } from './declared-roster.ts';
import type { JournalConfig } from './journal-config.ts';

export interface ObservationsConfig {
  /** A folder of their own, relative to the working directory. */
  readonly path: string;
  /** Older ones are removed; 1 to 8,760. */
  readonly hoursMax: number;
  /** The oldest are removed beyond this size; 16 MiB or more. */
  readonly bytesMax: number;
}

const MEBIBYTE = 1_048_576;

/** Null: none are kept. The config is meaningful only where `faults` is empty. */
export function observationsConfig(
  { enabled, path, hours, maxMebibytes }: ConfigFile['observations'],
  { id, journal }: { readonly id: string; readonly journal: JournalConfig },
): { readonly config: ObservationsConfig | null; readonly faults: readonly Fault[] } {
  const folder = path ?? defaultFolder(id, journal);
  if (enabled === true && folder === null) {
    const what = 'observations are enabled, and a node with a journal in memory has no place for them';
    return { config: null, faults: [{ path: ['observations', 'enabled'], what, fix: 'add path = "FOLDER"' }] };
  }
  if (enabled === false || folder === null) return { config: null, faults: [] };
  return { config: { path: folder, hoursMax: hours, bytesMax: maxMebibytes * MEBIBYTE }, faults: [] };
}

function defaultFolder(id: string, journal: JournalConfig): string | null {
  switch (journal.kind) {
    case 'memory':
      return null;
    case 'embedded':
      return join(dirname(journal.path), `${id}.observations`);
    case 'jetstream':
      return join(dirname(journal.localSnapshotPath), `${id}.observations`);
  }
}
