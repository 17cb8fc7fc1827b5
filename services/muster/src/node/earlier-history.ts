/**
 * Who knows of an earlier history of the cluster, asked before its stream is made: this node's own last snapshot, and the nodes that
 * are heard. A stream that is made although there was one before is empty, and everybody who reads it would have nothing.
 *
 * A node that serves says so once a second. Whoever starts a cluster pays for the silence with `HEARING_MS`, once in its life.
 */
import type { LocalSnapshot } from '@muster/actors';
import {
  announcementSubject,
  decodeSnapshot,
  parseAnnouncement,
  type Announcement,
  type LiveWire,
} from '@muster/membership';

/** Two announcements with their jitter, so that one may be lost. */
const HEARING_MS = 2_200;

export interface EarlierHistoryPorts {
  readonly cluster: string;
  readonly live: Pick<LiveWire, 'listen'>;
  readonly localSnapshot: LocalSnapshot;
}

/** For people: `node lb-2 serves revision 40 of history 2026-…`; null where nobody knows of one. */
export async function earlierHistory({ cluster, live, localSnapshot }: EarlierHistoryPorts): Promise<string | null> {
  const own = await ownHistory(cluster, localSnapshot);
  if (own !== null) return own;
  const heard = await firstHeard(cluster, live);
  return heard && `node ${heard.node} serves revision ${heard.revision} of history ${heard.epoch}`;
}

async function ownHistory(cluster: string, localSnapshot: LocalSnapshot): Promise<string | null> {
  const stored = await localSnapshot.load();
  if (stored === null) return null;
  const decoded = decodeSnapshot(stored.data);
  // One of another cluster says nothing about this one.
  if (decoded.outcome === 'decoded' && decoded.roster.cluster !== cluster) return null;
  return `this node's last snapshot is of revision ${stored.revision} of history ${stored.epoch}`;
}

/** Null where no node spoke. */
async function firstHeard(cluster: string, live: Pick<LiveWire, 'listen'>): Promise<Announcement | null> {
  const { promise, resolve } = Promise.withResolvers<Announcement | null>();
  const timer = setTimeout(() => resolve(null), HEARING_MS);
  const end = live.listen(announcementSubject(cluster, '*'), ({ subject, text }) => {
    const announcement = parseAnnouncement(cluster, subject, text);
    if (announcement !== null) resolve(announcement);
  });
  const heard = await promise;
  end();
  clearTimeout(timer);
  return heard;
}
