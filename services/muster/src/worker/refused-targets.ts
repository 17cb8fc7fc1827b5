/** Tells the log of targets that were not dialled: the newest one with its reason, at most once in ten seconds. */
import type { WorkerReport } from '@muster/actors';
import type { NodeTargetGuard } from '@muster/transport';

const SECONDS_BETWEEN_LINES = 10;

export class RefusedTargets {
  readonly #guard: Pick<NodeTargetGuard, 'refusedCount' | 'lastRefused'>;
  readonly #report: (report: WorkerReport) => void;
  #toldCount = 0;
  #secondsToWait = 0;

  constructor(guard: Pick<NodeTargetGuard, 'refusedCount' | 'lastRefused'>, report: (report: WorkerReport) => void) {
    this.#guard = guard;
    this.#report = report;
  }

  /** To be called once a second. */
  secondIsOver(): void {
    if (this.#secondsToWait > 0) this.#secondsToWait--;
    const { refusedCount, lastRefused } = this.#guard;
    if (this.#secondsToWait > 0 || refusedCount === this.#toldCount || lastRefused === null) return;
    const count = refusedCount - this.#toldCount;
    this.#toldCount = refusedCount;
    this.#secondsToWait = SECONDS_BETWEEN_LINES;
    const { target, reason } = lastRefused;
    const more = count === 1 ? '' : `; ${count} dials were refused since the last such line`;
    this.#report({
      kind: 'log',
      level: 'warn',
      fields: { target, reason, count },
      text: `${target} is not dialled: ${reason}${more}`,
    });
  }
}
