/**
 * Host names of targets that cannot be looked up now, as the status shows them. Each process of a node asks for itself, and only for what
 * it dials: the workers for traffic, the control process for probes. So a name is shown once, with what is worst of it.
 */
import type { WorkerStatus } from '@muster/actors';
import { connectFailure, type FailingName } from '@muster/transport';

/** `{"name": "db.internal", "reason": "the name server did not answer", "lastsMs": 12000, "isStale": true}` */
export interface FailingNameView {
  readonly name: string;
  /** For people. */
  readonly reason: string;
  /** Since the first failure in a row that one of the processes saw. */
  readonly lastsMs: number;
  /** Whether every process that asks has addresses to use meanwhile; otherwise connections to it fail. */
  readonly isStale: boolean;
}

/** What of a worker's report is about names; absent until its first one. */
interface NamesOfWorker {
  readonly names?: { readonly failing: readonly FailingName[] };
}

/** At most 16 of each process, the one that has failed for the longest time first. */
export function failingNames(workers: readonly WorkerStatus[], ofProbes: readonly FailingName[]): FailingNameView[] {
  const ofWorkers = workers.flatMap(({ stats }) => (stats as NamesOfWorker | null)?.names?.failing ?? []);
  const byName = new Map<string, FailingNameView>();
  for (const { name, code, lastsMs, isStale } of [...ofWorkers, ...ofProbes]) {
    const known = byName.get(name);
    const isLongest = known === undefined || lastsMs > known.lastsMs;
    byName.set(name, {
      name,
      reason: isLongest ? connectFailure(code).words : known.reason,
      lastsMs: isLongest ? lastsMs : known.lastsMs,
      isStale: isStale && (known?.isStale ?? true),
    });
  }
  return [...byName.values()].toSorted((a, b) => b.lastsMs - a.lastsMs);
}
