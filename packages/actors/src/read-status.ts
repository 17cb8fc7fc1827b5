/** What a node says of itself, read off its parts when somebody asks. Nothing is kept here. */
import type { Actor } from 'xstate';
import { rosterHash } from '@muster/membership';
import type { FoldedRoster } from './folded-roster.ts';
import type { JournalContact } from './journal/journal-contact.ts';
import type { JournalFollower } from './journal/journal-follower.ts';
import type { JournalPulse } from './journal/journal-pulse.ts';
import type { LiveExchange } from './peers/live-exchange.ts';
import type { NameClaim } from './peers/name-claim.ts';
import type { NodeActors } from './node-actors.ts';
import type { NodeOptions } from './node-handle.ts';
import type { ListenerStatus, NodeStatus, ProbeTotals, WorkerStatus } from './node-status.ts';
import type { WorkerFeed } from './workers/worker-feed.ts';
import type { workerMachine } from './workers/worker-machine.ts';

export interface NodeParts {
  readonly options: NodeOptions;
  readonly state: NodeStatus['state'];
  readonly startedMs: number;
  readonly contact: JournalContact;
  readonly pulse: JournalPulse | null;
  readonly folded: FoldedRoster;
  readonly follower: JournalFollower;
  readonly isFromLocalSnapshot: boolean;
  readonly adoption: NodeStatus['adoption'];
  readonly feed: WorkerFeed;
  readonly probes: ProbeTotals;
  readonly actors: NodeActors;
  readonly exchange: LiveExchange | null;
  readonly name: NameClaim;
}

const ALONE = {
  peers: [],
  isNameTaken: false,
  leases: { count: 0, expiredCount: 0 },
  massSilence: null,
  bulkEnd: null,
} as const;

export function nodeStatus(parts: NodeParts): NodeStatus {
  const { options, state, startedMs, contact, pulse, folded, follower, probes } = parts;
  const { roster, pending, headRevision } = folded;
  let backendsCount = 0;
  for (const pool of roster.pools.values()) backendsCount += pool.backends.size;
  let pendingFactsCount = 0;
  for (const { health, ejection } of pending.values()) pendingFactsCount += (health ? 1 : 0) + (ejection ? 1 : 0);
  return {
    node: options.node,
    cluster: options.cluster,
    state,
    startedMs,
    epoch: contact.epoch,
    revision: roster.revision,
    hash: rosterHash(roster),
    headRevision,
    journalAwaySinceMs: contact.awaySinceMs,
    journalAwayReason: contact.awayReason,
    confirmation: pulse?.confirmation ?? null,
    isFromLocalSnapshot: parts.isFromLocalSnapshot,
    epochChange: follower.change,
    adoption: parts.adoption,
    rebuilds: follower.rebuilds,
    ...(parts.exchange?.status() ?? ALONE),
    name: parts.name.status,
    pendingFactsCount,
    rejectedCount: roster.rejectedCount,
    backendsCount,
    probes,
    listeners: [...listenerIds(parts)].map((id) => listenerStatus(id, parts)),
    workers: [...parts.actors.workers.keys()].map((key) => workerStatus(key, parts)),
    givenUp: [...parts.actors.givenUpByActor].map(([actor, reason]) => ({ actor, reason })),
  };
}

/** The listeners that are to be on this node, and those that are about to leave it. */
function listenerIds({ actors, folded }: NodeParts): Set<string> {
  const ids = new Set(actors.listeners.keys());
  for (const { id, spec } of folded.roster.listeners.values())
    if (spec.nodes?.includes(folded.node) ?? true) ids.add(id);
  return ids;
}

function listenerStatus(id: string, parts: NodeParts): ListenerStatus {
  const { actors, folded } = parts;
  const snapshot = actors.listeners.get(id)?.getSnapshot();
  const revision = folded.roster.listeners.get(id)?.revision ?? snapshot?.context.revision ?? 0;
  if (snapshot === undefined) {
    const reason = actors.givenUpByActor.get(`listener ${id}`) ?? (actors.listeners.has(id) ? 'it crashed' : null);
    const state = reason === null ? 'opening' : 'failed';
    return { id, state, boundAddress: null, reason, revision, appliedRevision: null };
  }
  const { socket, reason } = snapshot.context;
  const boundAddress = socket?.boundAddress ?? null;
  const { appliedRevision, isServed, failure } = workersAnswer(id, parts);
  const shown = { id, boundAddress, revision, appliedRevision };
  if (reason !== null) return { ...shown, state: 'failed', reason };
  if (failure !== null) return { ...shown, state: 'failed', reason: failure };
  if (snapshot.value === 'opening') return { ...shown, state: socket === null ? 'opening' : 'moving', reason };
  if (!folded.roster.listeners.has(id)) return { ...shown, state: 'closing', reason };
  return { ...shown, state: isServed ? 'listening' : 'opening', reason };
}

/** What the living workers say of the definition that they were given last: the same for all, or not in force. */
function workersAnswer(
  id: string,
  { feed, options }: NodeParts,
): { readonly appliedRevision: number | null; readonly isServed: boolean; readonly failure: string | null } {
  const open = feed.listeners.get(id);
  if (open === undefined) return { appliedRevision: null, isServed: false, failure: null };
  const { revision } = open.definition;
  if (options.workers === 0) return { appliedRevision: revision, isServed: true, failure: null };
  let isServed = false;
  let appliedRevision = revision;
  for (let index = 0; index < options.workers; index++) {
    const link = feed.link(index);
    if (link === undefined || !link.hasStarted) continue;
    const answer = link.listenAnswer(id);
    if (answer?.revision === revision && answer.failure !== null) {
      return { appliedRevision: null, isServed, failure: `worker ${index}: ${answer.failure}` };
    }
    isServed ||= answer !== null;
    appliedRevision = Math.min(appliedRevision, answer?.revision ?? 0);
  }
  return { appliedRevision: isServed && appliedRevision > 0 ? appliedRevision : null, isServed, failure: null };
}

function workerStatus(key: string, { actors, feed }: NodeParts): WorkerStatus {
  const index = Number(key);
  const snapshot = actors.workers.get(key)?.getSnapshot();
  const link = feed.link(index);
  return {
    index,
    state: snapshot === undefined ? 'given-up' : workerState(snapshot.value),
    pid: link?.process.pid ?? null,
    revision: link?.revision ?? 0,
    hash: link?.hash ?? null,
    restartsCount: snapshot?.context.restartsCount ?? 0,
    stats: link?.stats ?? null,
  };
}

function workerState(value: ReturnType<Actor<typeof workerMachine>['getSnapshot']>['value']): WorkerStatus['state'] {
  if (typeof value === 'string') return value === 'restarting' ? 'restarting' : 'stopping';
  return value.alive === 'starting' || value.alive === 'serving' ? value.alive : 'stopping';
}
