/**
 * I10: a lease ends only for one who was silent towards the stream's leader, and only on the word of a node that the leader answers.
 *
 * An ear on the leader's side of every cut hears what whoever is there hears. It counts what some node could hear, too, which then speaks
 * for whom it heard, or is waited for. A node that nobody hears speaks for itself, in the journal, where it reaches that. What is lost by
 * chance may be lost to a node and not to the ear, so nothing is concluded where words were lost within the lease.
 */
import type { SimulatedWire } from '@muster/actors/testing';
import { announcementSubject, heartbeatSubject, LEASE_EXPIRED, parseAnnouncement } from '@muster/membership';
import type { Report } from './finding.ts';
import { CLUSTER } from './history.ts';
import type { Appended } from './journal-link.ts';
import type { SimulatedMachine } from './machine.ts';
import type { Routes } from './routes.ts';
import { MEMBERS } from '../schedule/schedule.ts';

/** A node's answer is fresh for 3.5 s, and an end is under way for some time. */
const ANSWER_FRESH_MS = 5_000;
/** A word is under way for so long, at most, and a node looks four times a second. */
const WORD_LATE_MS = 1_500;
/** A wire that carries nothing, or a server that is alone, is noticed after 3.5 s, so who was deaf for less counts what it missed as silence. */
const UNNOTICED_MS = 3_500;
const HEARD_MAX = 16;

/** Something that one said of itself. */
interface Word {
  /** By the simulation's clock. */
  readonly atMs: number;
  /** Who could hear it: another node that speaks, or, of a node that no other hears, the journal; or neither. */
  readonly reaches: 'a-node' | 'the-journal' | 'nobody';
}

export interface EndedLeasesOptions {
  readonly wire: SimulatedWire;
  readonly leaseMs: { readonly member: number; readonly node: number };
  readonly machines: () => readonly SimulatedMachine[];
  readonly routes: Routes;
}

export class EndedLeases {
  readonly #report: Report;
  readonly #options: EndedLeasesOptions;
  /** By the subject, oldest first. */
  readonly #words = new Map<string, Word[]>();
  readonly #leaseMs: { readonly member: number; readonly node: number };
  /** When words were lost last; Infinity while they are. */
  #lossyMs = -Infinity;

  constructor(report: Report, options: EndedLeasesOptions) {
    const { wire, leaseMs } = options;
    this.#report = report;
    this.#options = options;
    this.#leaseMs = leaseMs;
    const ear = wire.end();
    const { clock } = wire;
    const hear = (subject: string, from: string): void => {
      const words = this.#words.get(subject) ?? [];
      words.push({ atMs: clock.elapsedMs(), reaches: this.#reachOf(from) });
      if (words.length > HEARD_MAX) words.shift();
      this.#words.set(subject, words);
    };
    ear.listen(heartbeatSubject(CLUSTER, { pool: '*', backend: '*' }), ({ subject }) => hear(subject, MEMBERS));
    ear.listen(announcementSubject(CLUSTER, '*'), ({ subject, text }) => {
      const { node, name } = parseAnnouncement(CLUSTER, subject, text) ?? {};
      if (node !== undefined && name !== 'awaited') hear(subject, node);
    });
  }

  /** From now on words are lost, or are not any more. */
  wordsAreLost(areLost: boolean, nowMs: number): void {
    if (areLost) this.#lossyMs = Infinity;
    else if (this.#lossyMs === Infinity) this.#lossyMs = nowMs;
  }

  #reachOf(from: string): Word['reaches'] {
    const { machines, routes } = this.#options;
    const speaking = machines().filter(canSpeak);
    if (speaking.some(({ name }) => name !== from && !routes.isCut(from, name))) return 'a-node';
    return speaking.some(({ name, path }) => name === from && path.answers === 'given') ? 'the-journal' : 'nobody';
  }

  /**
   * When one was last heard by whom it matters. In the journal a node speaks every few seconds, so what it says there counts only where it
   * could say it all the time, and until just now.
   */
  #heardMs(subject: string, { askedMs, leaseMs }: { readonly askedMs: number; readonly leaseMs: number }): number {
    const words = (this.#words.get(subject) ?? []).filter(({ atMs }) => atMs <= askedMs);
    const isMute =
      (words.at(-1)?.atMs ?? 0) < askedMs - WORD_LATE_MS ||
      words.some(({ atMs, reaches }) => reaches === 'nobody' && atMs > askedMs - leaseMs);
    const counts = (reaches: Word['reaches']): boolean =>
      reaches === 'a-node' || (reaches === 'the-journal' && !isMute);
    return words.findLast(({ reaches }) => counts(reaches))?.atMs ?? -Infinity;
  }

  judge({ name, wireMendedMs }: SimulatedMachine, { event, askedMs, headAnsweredMs }: Appended): void {
    const said = JSON.parse(event.payload) as { type?: string; reason?: string };
    if (said.reason !== LEASE_EXPIRED) return;
    const [, , kind, first = '', second = ''] = event.subject.split('.');
    const isMember = kind === 'backend';
    const who = isMember ? `${first}/${second}` : `node ${first}`;
    const sinceMs = askedMs - headAnsweredMs;
    if (sinceMs > ANSWER_FRESH_MS)
      this.#report('I10', `${name} ends the lease of ${who}, and the leader last answered it ${sinceMs} ms before`);
    const leaseMs = isMember ? this.#leaseMs.member : this.#leaseMs.node;
    if (this.#lossyMs > askedMs - leaseMs - WORD_LATE_MS) return;
    const subject = isMember
      ? heartbeatSubject(CLUSTER, { pool: first, backend: second })
      : announcementSubject(CLUSTER, first);
    const heardMs = this.#heardMs(subject, { askedMs, leaseMs });
    const unnoticedMs = askedMs - wireMendedMs < leaseMs ? UNNOTICED_MS : 0;
    if (askedMs - heardMs < leaseMs - WORD_LATE_MS - unnoticedMs)
      this.#report(
        'I10',
        `${name} ends the lease of ${who}, which the leader's side heard ${askedMs - heardMs} ms before`,
      );
  }
}

/** Whether a process on it hears, and speaks for its node in the history that is the journal now: in another one it knows other members. */
function canSpeak({ process, options, path, wireState }: SimulatedMachine): boolean {
  const { name, epoch } = process?.handle.status() ?? {};
  const isThere = name?.state === 'held' && epoch === options.store.present.epoch;
  return isThere && path.isWhole && wireState === 'whole';
}
