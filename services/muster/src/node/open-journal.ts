/**
 * The node's journal, as its config says, with what comes with it: a shared journal brings a wire to other nodes, and a
 * snapshot on this machine for a start without it.
 *
 * What only one kind needs is loaded for that kind, so that no node pays for a client that it does not use.
 */
import type { LiveWire } from '@muster/membership';
import type { AdoptionStore, LocalSnapshot } from '@muster/actors';
import { createMemoryJournal, type Journal } from '@muster/journal';
import type { NodeConfig } from '@muster/config';
import type { Log } from '../log/log.ts';
import { openOwn } from './open-own-journal.ts';

export interface OpenJournal {
  readonly journal: Journal;
  /** Null for a node that is alone with its journal. */
  readonly live: LiveWire | null;
  readonly localSnapshot: LocalSnapshot | null;
  /** Null where no other history can take the journal's place while the node runs. */
  readonly adoptionStore: AdoptionStore | null;
  /** For people: why the journal did not answer last, and where it was looked for; null where it did, or is in this process. */
  readonly awayReason: () => string | null;
  /** For people: what is wrong with the journal's file; null while nothing was found, or where that is not this machine's matter. */
  readonly damage: () => string | null;
  /** The journal, then what it stands on. */
  close(): Promise<void>;
}

export type JournalOpening =
  | { readonly outcome: 'open'; readonly open: OpenJournal }
  /** One line for people: what is wrong, and what to do. */
  | { readonly outcome: 'failed'; readonly reason: string };

export interface OpenJournalOptions {
  /** Means what `SharedOptions.isNewCluster` says. */
  readonly isNewCluster: boolean;
  /** Waited for only where opening has something to tell. */
  readonly log: Promise<Log>;
}

export async function openJournal(config: NodeConfig, options: OpenJournalOptions): Promise<JournalOpening> {
  switch (config.journal.kind) {
    case 'memory':
      return inMemory();
    case 'embedded':
      return openOwn(config.journal.path, options.log);
    case 'jetstream': {
      const { openShared } = await import('./open-shared-journal.ts');
      const { isNewCluster, log } = options;
      return openShared(config.journal, { cluster: config.cluster, isNewCluster, log: await log });
    }
  }
}

function inMemory(): JournalOpening {
  const journal = createMemoryJournal();
  const nothing = (): null => null;
  const open = { journal, live: null, localSnapshot: null, adoptionStore: null, awayReason: nothing, damage: nothing };
  return { outcome: 'open', open: { ...open, close: () => journal.close() } };
}
