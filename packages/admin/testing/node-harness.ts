/**
 * A node for tests of what stands on `NodeHandle`: the real in-memory journal, the real `decide` and the real fold, without
 * actors and workers. Its status can be overridden.
 */
import { randomUUID } from 'node:crypto';
import type {
  ActorLine,
  CommandOutcome,
  InspectionLine,
  InspectionQuery,
  NodeHandle,
  NodeStatus,
  RosterListener,
} from '@muster/actors';
import type { DecisionQuery } from '@muster/proxy';
import { createMemoryJournal, JournalError, type Journal } from '@muster/journal';
import {
  decide,
  emptyRoster,
  fold,
  formatSubject,
  restorationSteps,
  rosterHash,
  type Command,
  type PendingFacts,
  type Rejection,
  type Roster,
} from '@muster/membership';
import type { ObservationStore } from '@muster/observations';
import type { AskDecisions, DecisionsOutcome } from '@muster/questions/decisions';
import { DecisionRecording } from '@muster/questions/decisions/decision-recording';
import type { StatusView } from '@muster/questions/status';
import { type AdminServer, createAdminServer } from '../src/admin-server.ts';
import { createMetrics, TrafficTotals } from '@muster/metrics';

/** The time of the line that says that an inspection follows, ms since 1970. */
export const FOLLOWING_MS = 1_800_000_000_001;

class NodeHarness implements NodeHandle, AsyncDisposable {
  readonly journal: Journal = createMemoryJournal();
  overrides: Partial<NodeStatus> = {};
  adoptAnswer: Awaited<ReturnType<NodeHandle['adoptEpoch']>> = {
    outcome: 'refused',
    message: 'this node follows the present history already',
  };
  /** What `inspect` finds; after that it says that it follows, and waits for the signal. And what it was asked last. */
  inspected: readonly ActorLine[] = [];
  askedInspection: InspectionQuery | null = null;
  readonly #stopping = new AbortController();
  readonly #following: Promise<void>;
  readonly #rejectionByRevision = new Map<number, Rejection>();
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<RosterListener>();
  #roster: Roster = emptyRoster('default');

  constructor() {
    this.#following = this.#follow().catch((error: unknown) => {
      // A test that closes the journal under the node wants to see what the API says then.
      if (!(error instanceof JournalError)) throw error;
    });
  }

  async #follow(): Promise<void> {
    for await (const item of this.journal.follow({ afterRevision: 0, signal: this.#stopping.signal })) {
      if (item.kind !== 'events') continue;
      const before = this.#roster;
      const rejections: Rejection[] = [];
      for (const event of item.events) {
        const { roster, rejection } = fold(this.#roster, event);
        this.#roster = roster;
        if (rejection === null) continue;
        rejections.push(rejection);
        this.#rejectionByRevision.set(event.revision, rejection);
      }
      for (const told of this.#listeners) told(before, this.#roster, { events: item.events, rejections });
      for (const wake of this.#waiting) wake();
    }
  }

  async folded(revision: number): Promise<void> {
    while (this.#roster.revision < revision) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  roster(): Roster {
    return this.#roster;
  }

  pending(): PendingFacts {
    return new Map();
  }

  status(): NodeStatus {
    const { revision, rejectedCount } = this.#roster;
    return {
      node: 'lb-1',
      cluster: 'default',
      state: 'serving',
      startedMs: 1_000,
      epoch: 'epoch',
      revision,
      hash: rosterHash(this.#roster),
      headRevision: revision,
      journalAwaySinceMs: null,
      journalAwayReason: null,
      confirmation: null,
      isFromLocalSnapshot: false,
      epochChange: null,
      adoption: null,
      rebuilds: { count: 0, lastReason: null },
      peers: [],
      isNameTaken: false,
      name: { state: 'held', sinceMs: 1_000, reason: null, hasStoodBack: false },
      leases: { count: 0, expiredCount: 0 },
      massSilence: null,
      bulkEnd: null,
      pendingFactsCount: 0,
      rejectedCount,
      backendsCount: 0,
      probes: { passedCount: 3, failedCount: 1 },
      listeners: [...this.#roster.listeners.values()].map(({ id, spec, revision }) => ({
        id,
        state: 'listening',
        boundAddress: spec.bind,
        reason: null,
        revision,
        appliedRevision: revision,
      })),
      workers: [],
      givenUp: [],
      ...this.overrides,
    };
  }

  /** Decided again where somebody else was faster, as a node does it. */
  async execute(command: Command, origin: string): Promise<CommandOutcome> {
    for (;;) {
      const decision = decide(this.#roster, command, origin);
      if (decision.outcome !== 'accepted') return decision;
      const { entity, event, expectedRevision } = decision;
      const subject = formatSubject('default', entity);
      const stored = { id: randomUUID(), subject, origin, payload: JSON.stringify(event) };
      // A new entity may have had an earlier life on the same subject.
      const options = expectedRevision === 0 ? {} : { expectedRevision };
      const outcome = await this.journal.append(stored, options);
      if (outcome.outcome === 'conflict') {
        await this.folded(outcome.actualRevision);
        continue;
      }
      if (outcome.outcome !== 'appended') {
        return { outcome: 'unavailable', isStored: 'no', message: `the journal answered ${outcome.outcome}` };
      }
      await this.folded(outcome.revision);
      return { outcome: 'appended', revision: outcome.revision };
    }
  }

  onRosterChanged(listener: RosterListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  rejectionAt(revision: number): Rejection | null {
    return this.#rejectionByRevision.get(revision) ?? null;
  }

  async *inspect(query: InspectionQuery, signal: AbortSignal): AsyncGenerator<readonly InspectionLine[], void> {
    this.askedInspection = query;
    yield [...this.inspected, { type: 'following', timeMs: FOLLOWING_MS, actorsCount: this.inspected.length }];
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve());
    if (!signal.aborted) await promise;
  }

  async adoptEpoch(): ReturnType<NodeHandle['adoptEpoch']> {
    return this.adoptAnswer;
  }

  async restoreHistory(): ReturnType<NodeHandle['restoreHistory']> {
    return this.adoptAnswer;
  }

  async missingHistory(): ReturnType<NodeHandle['missingHistory']> {
    return { outcome: 'shown', epoch: null, steps: restorationSteps(this.#roster, emptyRoster('default')) };
  }

  onAdopting(): () => void {
    return () => undefined;
  }

  async saveSnapshot(): ReturnType<NodeHandle['saveSnapshot']> {
    return { outcome: 'saved', epoch: 'epoch', revision: this.#roster.revision };
  }

  onEpochAdopted(): () => void {
    return () => undefined;
  }

  async caughtUp(): Promise<void> {
    await this.folded(0);
  }

  appendRefusal(): string | null {
    return this.status().name.reason;
  }

  nameHeld(): Promise<void> {
    return Promise.resolve();
  }

  async ready(): Promise<void> {
    await this.folded(0);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
    await this.journal.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export interface AdminHarness extends AsyncDisposable {
  readonly node: NodeHarness;
  readonly server: AdminServer;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** What the workers answer when they are asked about decisions, and what they were asked last. */
  decisions: DecisionsOutcome;
  askedDecisions: DecisionQuery | null;
  /** Lines that the server logged. */
  readonly logged: { readonly level: string; readonly fields: object; readonly text: string }[];
}

/** The admin API of a harness node on a free port. */
export async function startAdmin({
  token = null,
  isBehindProxy = false,
  observations = null,
  settings = null,
}: {
  token?: string | null;
  isBehindProxy?: boolean;
  observations?: ObservationStore | null;
  settings?: StatusView['settings'];
} = {}): Promise<AdminHarness> {
  const node = new NodeHarness();
  const logged: AdminHarness['logged'] = [];
  const logAs = (level: string) => (fields: object, text: string) => void logged.push({ level, fields, text });
  const log = { info: logAs('info'), warn: logAs('warn'), error: logAs('error') };
  const traffic = new TrafficTotals();
  const metrics = createMetrics({ node, traffic, observations });
  const decisions: AskDecisions = async (query) => {
    harness.askedDecisions = query;
    return harness.decisions;
  };
  const recording = new DecisionRecording({ workers: [] });
  recording.keepIn(observations);
  const seen = { traffic, metrics, observations, settings };
  const access = { token, isBehindProxy };
  const server = await createAdminServer({ node, access, log, decisions, recording, ...seen });
  const listening = await server.listen('127.0.0.1:0');
  if (listening.outcome === 'failed') throw new Error(listening.reason);
  const harness: AdminHarness = {
    node,
    server,
    decisions: { outcome: 'found', decisions: [], silentWorkers: [] },
    askedDecisions: null,
    url: `http://${listening.address}`,
    logged,
    async [Symbol.asyncDispose]() {
      await server.close();
      await node.stop();
    },
  };
  return harness;
}
