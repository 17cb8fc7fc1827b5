/**
 * The announcer: says on the live wire how far this node has folded and to which hash, once a second.
 *
 * The jitter keeps nodes that started together from speaking together for ever. What is lost is not repeated: the next
 * announcement says everything again.
 */
import { announcementSubject, type Announcement, type LiveWire } from '@muster/membership';
import type { Clock } from '../ports.ts';

const ANNOUNCE_INTERVAL_MS = 1_000;
/** Each wait is this much longer or shorter, by chance. */
const ANNOUNCE_JITTER_RATIO = 0.1;

export interface AnnouncerPorts {
  readonly live: LiveWire;
  readonly cluster: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** What is the case now; null while there is nothing to say. */
  readonly announcement: () => Announcement | null;
}

/** Speaks at once, and then about every second. Returns what ends it. */
export function announceRegularly({ live, cluster, clock, random, announcement }: AnnouncerPorts): () => void {
  let timer: unknown;
  const speak = (): void => {
    const words = announcement();
    if (words !== null) live.say(announcementSubject(cluster, words.node), JSON.stringify(words));
    timer = clock.setTimeout(speak, ANNOUNCE_INTERVAL_MS * (1 + ANNOUNCE_JITTER_RATIO * (2 * random() - 1)));
  };
  speak();
  return () => clock.clearTimeout(timer);
}
