/**
 * The failures in a row of one pool's backends, as this worker's traffic sees them, and who is told when they are too many.
 *
 * It counts and reports. Whether the backend leaves the pool, and for how long, is the node's decision: only the control
 * process sees all workers and how much of the pool is out already. What counts as a failure is the caller's
 * (`backend-verdict.ts`).
 *
 * A success is told for every request, so it costs a comparison while no backend of the pool is failing. A failure that
 * belongs to a target which the backend no longer has says nothing about the new one, and is not counted; nor is one that
 * comes while the backend is ejected, and what failed before its ejection is not held against it after.
 */
import {
  ejectionPolicyOf,
  observationBy,
  withPendingFacts,
  type Backend,
  type Candidate,
  type Ejection,
  type Reasoned,
  type View,
} from '@muster/membership';

/** A backend that failed as often in a row as its pool bears. */
export interface Outlier {
  readonly pool: string;
  readonly backend: string;
  /** The target that failed; the backend may have another one by the time this is read. */
  readonly target: string;
  readonly failures: number;
  /** For people, one short sentence: `5 failures in a row: connection refused`. */
  readonly reason: string;
}

export interface EjectionTallyOptions {
  readonly pool: string;
  /** The newest view of the roster. */
  readonly view: () => View;
  /** A monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  readonly onOutlier: (outlier: Outlier) => void;
}

interface Run {
  readonly target: string;
  /** Of the event that set the backend's ejection when the first of them failed. */
  readonly revision: number;
  failures: number;
}

/**
 * A backend is reported again only after so long, however fast it fails: where the pool's `maxRatio` keeps it admitted,
 * every few requests would be a message to the control process. Its failures until then are forgotten.
 */
export const REPORT_INTERVAL_MS = 1_000;

export class EjectionTally {
  readonly #options: EjectionTallyOptions;
  /** Only of backends that failed last; empty for most of a pool's life. */
  readonly #runByBackend = new Map<string, Run>();
  readonly #reportedMsByBackend = new Map<string, number>();

  constructor(options: EjectionTallyOptions) {
    this.#options = options;
  }

  /** A connection or request went well: the backend's failures are no longer in a row. */
  succeeded(backendId: string): void {
    if (this.#runByBackend.size > 0) this.#runByBackend.delete(backendId);
  }

  /** One more failure. `why` is a few words for people: `connection refused`, `status 503`. */
  failed({ id, target }: Pick<Candidate, 'id' | 'target'>, why: string): void {
    const { pool, view } = this.#options;
    const { spec, backends } = view().roster.pools.get(pool) ?? {};
    const backend = backends?.get(id);
    const policy = spec === undefined ? null : ejectionPolicyOf(spec);
    if (policy === null || backend?.target.value !== target) return;
    const { value, revision } = this.#ejectionOf(backend);
    if (value === 'ejected') return;
    const before = this.#runByBackend.get(id);
    const run = before?.target === target && before.revision === revision ? before : { target, revision, failures: 0 };
    run.failures += 1;
    if (run.failures < policy.consecutiveFailures) {
      this.#runByBackend.set(id, run);
      return;
    }
    this.#runByBackend.delete(id);
    this.#report({ pool, backend: id, target, failures: run.failures, reason: sentence(run.failures, why) });
  }

  /** The backend left the pool or has another target. */
  forget(backendId: string): void {
    this.#runByBackend.delete(backendId);
    this.#reportedMsByBackend.delete(backendId);
  }

  /** As this node sees it, what the journal has not taken yet included. */
  #ejectionOf(backend: Backend): Reasoned<Ejection> {
    const { node, pending } = this.#options.view();
    return observationBy(node, withPendingFacts(backend, node, pending).observations).ejection;
  }

  #report(outlier: Outlier): void {
    const nowMs = this.#options.nowMs();
    const reportedMs = this.#reportedMsByBackend.get(outlier.backend) ?? -Infinity;
    if (nowMs - reportedMs < REPORT_INTERVAL_MS) return;
    this.#reportedMsByBackend.set(outlier.backend, nowMs);
    this.#options.onOutlier(outlier);
  }
}

function sentence(failures: number, why: string): string {
  return failures === 1 ? why : `${failures} failures in a row: ${why}`;
}
