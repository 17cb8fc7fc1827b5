/**
 * The question of what the nodes made of a registration: asked with heartbeats, since those are what a member may say and nodes hear.
 *
 *     ask ──► a heartbeat with the revision, now and after 250, 500 and 1,000 ms ──► the first answer, or none
 *
 * That an event is in the journal does not say that it made sense: the nodes find that out when they fold it, all in the same way. So
 * the first answer is everybody's. A node that is behind says nothing yet, which is why it is asked again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HeartbeatAnswer } from '@muster/membership';

/** Two seconds in all. */
const WAITS_MS = [250, 500, 1_000, 250] as const;

export type RegistrationVerdict =
  | { readonly outcome: 'accepted'; readonly revision: number }
  /** `message`: for people, why, and what to do; `reason`: for programs, for example `unknown-pool`. */
  | { readonly outcome: 'rejected'; readonly revision: number; readonly reason: string; readonly message: string }
  /** No node has said anything: none is there, or none hears this cluster's heartbeats. */
  | { readonly outcome: 'unanswered'; readonly revision: number };

type Verdict = Extract<HeartbeatAnswer, { standing: 'accepted' | 'rejected' }>;

export class RegistrationQuestion {
  readonly #revision: number;
  readonly #answered = Promise.withResolvers<RegistrationVerdict>();

  constructor(revision: number) {
    this.#revision = revision;
  }

  /** `say` publishes a heartbeat. Ends early with the signal, as `unanswered`. Never rejects. */
  async ask(say: (revision: number) => void, signal: AbortSignal): Promise<RegistrationVerdict> {
    for (const waitMs of WAITS_MS) {
      if (signal.aborted) break;
      say(this.#revision);
      const over = new AbortController();
      const waited = sleep(waitMs, null, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => null);
      const verdict = await Promise.race([this.#answered.promise, waited]);
      over.abort();
      if (verdict !== null) return verdict;
    }
    return { outcome: 'unanswered', revision: this.#revision };
  }

  /** What a node said; answers about another registration are passed over. */
  onAnswer(answer: Verdict): void {
    const { revision } = answer;
    if (revision !== this.#revision) return;
    if (answer.standing === 'accepted') return this.#answered.resolve({ outcome: 'accepted', revision });
    const { reason, message } = answer;
    this.#answered.resolve({ outcome: 'rejected', revision, reason, message });
  }
}
