/**
 * I10: a lease ends only for one who was silent towards the stream's leader, and only on the word of a node that the leader answers.
 *
 * An ear on the leader's side of every cut hears what whoever is there hears. What is lost by chance may be lost to a node and not to
 * the ear, so nothing is concluded where words were lost within the lease.
 */
import type { SimulatedWire } from '@muster/actors/testing';
import { announcementSubject, heartbeatSubject, LEASE_EXPIRED, parseAnnouncement } from '@muster/membership';
import type { Report } from './finding.ts';
import { CLUSTER } from './history.ts';
import type { Appended } from './journal-link.ts';
import type { SimulatedMachine } from './machine.ts';

/** A node's answer is fresh for 3.5 s, and an end is under way for some time. */
const ANSWER_FRESH_MS = 5_000;
/** A word is under way for so long, at most, and a node looks four times a second. */
const WORD_LATE_MS = 1_500;
/** A wire that carries nothing, or a server that is alone, is noticed after 3.5 s, so who was deaf for less counts what it missed as silence. */
const UNNOTICED_MS = 3_500;
const HEARD_MAX = 16;

export class EndedLeases {
  readonly #report: Report;
  /** When each was heard, oldest first, by the simulation's clock. */
  readonly #heardMs = new Map<string, number[]>();
  readonly #leaseMs: { readonly member: number; readonly node: number };
  /** When words were lost last; Infinity while they are. */
  #lossyMs = -Infinity;

  constructor(report: Report, { wire, leaseMs }: { wire: SimulatedWire; leaseMs: { member: number; node: number } }) {
    this.#report = report;
    this.#leaseMs = leaseMs;
    const ear = wire.end();
    const { clock } = wire;
    const hear = (subject: string): void => {
      const times = this.#heardMs.get(subject) ?? [];
      times.push(clock.elapsedMs());
      if (times.length > HEARD_MAX) times.shift();
      this.#heardMs.set(subject, times);
    };
    ear.listen(heartbeatSubject(CLUSTER, { pool: '*', backend: '*' }), ({ subject }) => hear(subject));
    ear.listen(announcementSubject(CLUSTER, '*'), ({ subject, text }) => {
      if (parseAnnouncement(CLUSTER, subject, text)?.name !== 'awaited') hear(subject);
    });
  }

  /** From now on words are lost, or are not any more. */
  wordsAreLost(areLost: boolean, nowMs: number): void {
    if (areLost) this.#lossyMs = Infinity;
    else if (this.#lossyMs === Infinity) this.#lossyMs = nowMs;
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
    const heardMs = this.#heardMs.get(subject)?.findLast((ms) => ms <= askedMs) ?? -Infinity;
    const unnoticedMs = askedMs - wireMendedMs < leaseMs ? UNNOTICED_MS : 0;
    if (askedMs - heardMs < leaseMs - WORD_LATE_MS - unnoticedMs)
      this.#report(
        'I10',
        `${name} ends the lease of ${who}, which the leader's side heard ${askedMs - heardMs} ms before`,
      );
  }
}
