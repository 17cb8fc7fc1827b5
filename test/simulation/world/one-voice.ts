/**
 * One process at a time speaks for a node: the one whose `NodeStarted` is the newest. Another one that is called after the node appends
 * nothing, and does not take the name from one that it could hear.
 */
import type { Report } from './finding.ts';
import type { Appended } from './journal-link.ts';
import type { NodeProcess } from './machine.ts';

/** Within so long a process has read that another one took its name, whatever is slow; and has been heard by a newcomer. */
const LEARNT_WITHIN_MS = 6_000;

interface Holder {
  readonly process: NodeProcess;
  readonly sinceMs: number;
}

export interface Surroundings {
  readonly nowMs: number;
  /** Since when every word has reached everybody, by the simulation's clock; null while one may not. */
  readonly calmSinceMs: number | null;
}

export class OneVoice {
  readonly #report: Report;
  readonly #holderByName = new Map<string, Holder>();

  constructor(report: Report) {
    this.#report = report;
  }

  judge(process: NodeProcess, { event, askedMs }: Appended, { nowMs, calmSinceMs }: Surroundings): void {
    const { name } = process.machine;
    const holder = this.#holderByName.get(name);
    const isOther = holder !== undefined && holder.process !== process;
    const { type } = JSON.parse(event.payload) as { type?: string };
    if (event.subject.endsWith(`.node.${name}`) && type === 'NodeStarted') {
      const isCalm = calmSinceMs !== null && nowMs - calmSinceMs > LEARNT_WITHIN_MS;
      const isSettled = isOther && nowMs - holder.sinceMs > LEARNT_WITHIN_MS;
      if (isCalm && isSettled && isSpeaking(holder.process))
        this.#report('name', `a second process takes the name ${name} from one that it could hear`);
      this.#holderByName.set(name, { process, sinceMs: nowMs });
      return;
    }
    if (isOther && askedMs - holder.sinceMs > LEARNT_WITHIN_MS && isCurrent(process))
      this.#report('name', `a process that is not ${name} any more appends ${type} on ${event.subject}`);
  }
}

/** It lives, serves, and has the name as far as it knows. */
function isSpeaking({ handle, isStopping, clock }: NodeProcess): boolean {
  const { state, name } = handle.status();
  return !isStopping && !clock.isDead && state === 'serving' && name.state === 'held';
}

/** What it has not read it cannot know. */
function isCurrent({ machine }: NodeProcess): boolean {
  return machine.path.isWhole && machine.path.followMs === 0;
}
