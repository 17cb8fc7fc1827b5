/**
 * A journal on JetStream: one link to NATS, and on it the journal and the wire to other nodes.
 *
 * NATS may be away; the node then starts on its local snapshot or waits. What cannot become right by waiting, a file that
 * cannot be read or a stream of another make, is told in one line instead.
 */
import { existsSync } from 'node:fs';
import { JournalError } from '@muster/journal';
import { openJetStreamJournal } from '@muster/journal-jetstream';
import { LIVE_WORD_CHARACTERS_MAX } from '@muster/membership';
import { liveWire, NatsAccessError, openNatsLink, type NatsLink } from '@muster/nats';
import type { JetStreamConfig } from '@muster/config';
import type { Log } from '../log/log.ts';
import { adoptionFile } from './adoption-file.ts';
import { earlierHistory } from './earlier-history.ts';
import { localSnapshotFile } from './local-snapshot-file.ts';
import type { JournalOpening } from './open-journal.ts';

/** How long the start waits for NATS where there is something to serve without it, and where there is not. */
const OPEN_TIMEOUT_MS = { withSnapshot: 500, withoutSnapshot: 2_000 };

export interface SharedOptions {
  readonly cluster: string;
  /** A person says that the stream is to be made where it is not there, whoever knows of an earlier one. */
  readonly isNewCluster: boolean;
  readonly log: Log;
}

export async function openShared(config: JetStreamConfig, options: SharedOptions): Promise<JournalOpening> {
  const { cluster, isNewCluster, log } = options;
  const link = linkTo(config, log);
  if (typeof link === 'string') return { outcome: 'failed', reason: link };
  const { replicas, streamBytesMax, retentionHours, duplicateWindowMs } = config;
  const limits = { replicas, streamBytesMax, retentionHours, duplicateWindowMs };
  const live = liveWire(link, { textCharactersMax: LIVE_WORD_CHARACTERS_MAX });
  const localSnapshot = localSnapshotFile(config.localSnapshotPath, log);
  const openTimeoutMs = OPEN_TIMEOUT_MS[existsSync(config.localSnapshotPath) ? 'withSnapshot' : 'withoutSnapshot'];
  try {
    const journal = await openJetStreamJournal({
      link,
      cluster,
      ...limits,
      making: isNewCluster ? 'at-once' : config.makesStream ? 'where-none-is-known' : 'never',
      earlierHistory: () => earlierHistory({ cluster, live, localSnapshot }),
      openTimeoutMs,
      log: (line) => log.warn({ cluster }, line),
    });
    const open = {
      journal,
      live,
      localSnapshot,
      adoptionStore: adoptionFile(`${config.localSnapshotPath}.adopted`),
      awayReason: () => journal.awayReason,
      damage: () => null,
      close: async () => {
        await journal.close();
        await link.close();
      },
    };
    return { outcome: 'open', open };
  } catch (error) {
    await link.close();
    if (error instanceof JournalError) return { outcome: 'failed', reason: error.message };
    throw error;
  }
}

function linkTo({ access }: JetStreamConfig, log: Log): NatsLink | string {
  try {
    return openNatsLink(access, { log: (line, level) => log[level]({}, line) });
  } catch (error) {
    if (error instanceof NatsAccessError) return error.message;
    throw error;
  }
}
