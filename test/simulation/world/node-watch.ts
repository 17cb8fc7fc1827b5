/**
 * Watches one node process from outside, from its start to its end: what it and its workers held at which revision, from what
 * it began to serve, what its probes answered. What can be judged at once is; what needs the history is kept for the checks.
 */
import { isDeepStrictEqual } from 'node:util';
import type { NodeHandle, StartProbe } from '@muster/actors';
import {
  diff,
  observationBy,
  rosterHash,
  withPendingFacts,
  type Backend,
  type Pool,
  type Roster,
} from '@muster/membership';
import type { Report } from './finding.ts';
import type { JournalStore } from './history.ts';
import type { JournalPath } from './journal-link.ts';
import { ProbeTally } from './probe-tally.ts';

/** A roster that somebody held. */
export interface Reading {
  /** For people: `lb-1`, `worker 0 of lb-1`. */
  readonly reader: string;
  readonly epoch: string;
  readonly revision: number;
  readonly hash: string;
}

export interface NodeWatchOptions {
  readonly name: string;
  readonly store: JournalStore;
  readonly path: JournalPath;
  readonly elapsedMs: () => number;
  readonly report: Report;
  /** What the machine's disk holds as the process starts. */
  readonly diskSnapshot: { readonly epoch: string; readonly revision: number } | null;
}

export class NodeWatch {
  readonly tally: ProbeTally;
  /** Since they were last taken. */
  readonly #readings: Reading[] = [];
  readonly #options: NodeWatchOptions;
  /** What the journal was when the process started. */
  readonly #startEpoch: string;
  readonly #startRevision: number;
  readonly #newestByReader = new Map<string, Reading>();
  #hasServed = false;
  /** Whether a person has told this process to take the journal as it is. */
  isAdoptionWished = false;
  /** When it began to serve, by the simulation's clock; null before. */
  servesSinceMs: number | null = null;
  #unsubscribe: () => void = () => undefined;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.tally = new ProbeTally(options.elapsedMs);
    const { store, path } = options;
    // A server that is alone has what it had, and knows of nothing else.
    const { history, revision } = path.alone ?? { history: store.present, revision: store.present.revision };
    this.#startEpoch = history.epoch;
    this.#startRevision = revision;
  }

  begin(handle: NodeHandle): void {
    this.#unsubscribe = handle.onRosterChanged((before, after, { events }) =>
      this.#changed(handle, { before, after, events }),
    );
  }

  end(): void {
    this.#unsubscribe();
  }

  probes(startProbe: StartProbe): StartProbe {
    return this.tally.counting(startProbe);
  }

  takeReadings(): readonly Reading[] {
    return this.#readings.splice(0);
  }

  /** A worker has folded. */
  read(reader: string, reading: Omit<Reading, 'reader'>): void {
    this.#note({ reader, ...reading });
  }

  /** A worker is given its first roster: from this moment on it serves [I3]. */
  serves(handle: NodeHandle): void {
    if (this.#hasServed) return;
    this.#hasServed = true;
    this.servesSinceMs = this.#options.elapsedMs();
    const { name, report, diskSnapshot } = this.#options;
    const { isFromLocalSnapshot, epoch, revision } = handle.status();
    if (isFromLocalSnapshot) {
      // It may have read on in the turns since.
      if (diskSnapshot?.epoch === epoch && diskSnapshot.revision <= revision) return;
      const held = diskSnapshot === null ? 'has none' : `is ${diskSnapshot.epoch}@${diskSnapshot.revision}`;
      return report('I3', `${name} serves ${epoch}@${revision} as from its local snapshot, which ${held}`);
    }
    const due = this.#dueRevision(epoch!);
    if (revision < due) report('I3', `${name} serves from ${epoch}@${revision} before it has read it to ${due}`);
  }

  /** How far a history must have been read by a node that began with it, or changes over to it. */
  #dueRevision(epoch: string): number {
    if (epoch === this.#startEpoch && !this.#hasServed) return this.#startRevision;
    if (epoch === this.#startEpoch) return this.#startRevision;
    return this.#options.store.historiesByEpoch.get(epoch)?.revisionWhenPresented ?? Infinity;
  }

  #changed(
    handle: NodeHandle,
    { before, after, events }: { before: Roster; after: Roster; events: readonly unknown[] },
  ): void {
    const { name, report } = this.#options;
    const epoch = handle.status().epoch!;
    const known = this.#newestByReader.get(name);
    this.#note({ reader: name, epoch, revision: after.revision, hash: rosterHash(after) });
    const isOtherHistory = known !== undefined && known.epoch !== epoch;
    if (isOtherHistory && this.#hasServed && after.revision < this.#dueRevision(epoch))
      report('I3', `${name} changes over to ${epoch}@${after.revision} before it has read it to its end`);
    if (isOtherHistory && !this.isAdoptionWished) this.#judgeAdoption(epoch, before, after);
    if (events.length === 0) {
      this.#judgeSwap(handle, before, after);
      return this.tally.forgetAll();
    }
    const { isFromLocalSnapshot, name: claim } = handle.status();
    // Another process may have said under its name what it never found.
    const isReadingUp = isFromLocalSnapshot || claim.state !== 'held' || claim.hasStoodBack;
    for (const change of diff(before, after)) {
      if (change.kind === 'pool') this.tally.forgetAll();
      if (change.kind !== 'backend') continue;
      // What it said in an earlier life, and its local snapshot did not have, counts until its probes have spoken again.
      const isSameTarget = change.before?.target === change.after?.target;
      const isSameTask = !isReadingUp && isSameTarget && change.before?.mode === change.after?.mode;
      for (const backend of [change.before, change.after]) {
        if (backend !== null && !isSameTask) this.tally.forget(backend.target.value);
      }
      if (change.after !== null) this.#judgeFinding(handle, after.pools.get(change.after.pool)!, change.after);
    }
  }

  /** By itself a node takes another history only where that holds all that it serves [I2]. Members say themselves where they are. */
  #judgeAdoption(epoch: string, before: Roster, after: Roster): void {
    const { name, report } = this.#options;
    const listeners = [...before.listeners.keys()].filter((id) => !after.listeners.has(id));
    const lost = listeners.map((id) => `listener ${id}`);
    for (const { id: pool, backends } of before.pools.values()) {
      const left = after.pools.get(pool)?.backends;
      if (left === undefined) lost.push(`pool ${pool}`);
      for (const { id, leaseMs } of backends.values())
        if (leaseMs === null && !left?.has(id)) lost.push(`${pool}/${id}`);
    }
    // What it held once, somebody took out of it on purpose.
    const events = this.#options.store.historiesByEpoch.get(epoch)?.events ?? [];
    const held = new Set(events.map(({ subject }) => subject.split('.').slice(3).join('/')));
    const missing = lost.filter((what) => !held.has(what.replace(/^\w+ /, '')));
    if (missing.length > 0) report('I2', `${name} takes ${epoch} by itself, and loses ${missing.join(', ')}`);
  }

  /** What this node's probes found of a backend that is in both rosters holds in the new one from the first moment on [I6]. */
  #judgeSwap(handle: NodeHandle, before: Roster, after: Roster): void {
    for (const pool of after.pools.values()) {
      const former = before.pools.get(pool.id);
      if (!isDeepStrictEqual(former?.spec.health, pool.spec.health)) continue;
      for (const backend of pool.backends.values()) {
        const known = former?.backends.get(backend.id);
        const isSame = known?.target.value === backend.target.value && known.mode.value !== 'maint';
        if (isSame) this.#judgeFinding(handle, pool, backend);
      }
    }
  }

  /** In the very turn of a change a node goes by what its own probes found, recorded or not [I6]. */
  #judgeFinding(handle: NodeHandle, pool: Pool, backend: Backend): void {
    if (pool.spec.health === undefined || backend.mode.value === 'maint') return;
    const { name, report } = this.#options;
    const expected = this.tally.verdict(backend.target.value, pool.spec.health);
    const { observations } = withPendingFacts(backend, name, handle.pending());
    const { value } = observationBy(name, observations).health;
    if (expected === null || value === expected) return;
    const at = `${handle.status().epoch}@${handle.roster().revision}`;
    report('I6', `${name} goes by ${value} of ${pool.id}/${backend.id} from ${at} on, which it found ${expected}`);
  }

  /** A reader's revision never goes back within one history [I2]. */
  #note(reading: Reading): void {
    const { reader, epoch, revision } = reading;
    const before = this.#newestByReader.get(reader);
    if (before?.epoch === epoch && revision < before.revision)
      this.#options.report('I2', `${reader} goes back from ${epoch}@${before.revision} to ${revision}`);
    this.#newestByReader.set(reader, reading);
    this.#readings.push(reading);
  }
}
