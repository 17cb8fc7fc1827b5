/** What a node says of itself, read off its parts when somebody asks. Nothing is kept here. */
import type { Actor } from 'xstate';
import { rosterHash } from '@muster/membership';
import type { FoldedRoster } from './folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { JournalFollower } from './journal-follower.ts';
import type { LiveExchange } from './live-exchange.ts';
import type { NodeActors } from './node-actors.ts';
import type { ListenerStatus, NodeOptions, NodeStatus, ProbeTotals, WorkerStatus } from './node-handle.ts';
import type { WorkerFeed } from './worker-feed.ts';
import type { workerMachine } from './worker-machine.ts';

export interface NodeParts {
  readonly options: NodeOptions;
  readonly state: NodeStatus['state'];
  readonly startedMs: number;
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly follower: JournalFollower;
  readonly isFromLocalSnapshot: boolean;
  readonly feed: WorkerFeed;
  readonly probes: ProbeTotals;
  readonly actors: NodeActors;
  readonly exchange: LiveExchange | null;
}

const ALONE = { peers: [], isNameTaken: false, leases: { count: 0, expiredCount: 0 } } as const;

export function nodeStatus(parts: NodeParts): NodeStatus {
  const { options, state, startedMs, contact, folded, follower, probes } = parts;
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
    isFromLocalSnapshot: parts.isFromLocalSnapshot,
    epochChange: follower.succession.change,
    rebuilds: follower.rebuilds,
    ...(parts.exchange?.status() ?? ALONE),
    pendingFactsCount,
    rejectedCount: roster.rejectedCount,
    backendsCount,
    probes,
    listeners: [...parts.actors.listeners.keys()].map((id) => listenerStatus(id, parts)),
    workers: [...parts.actors.workers.keys()].map((key) => workerStatus(key, parts)),
    givenUp: [...parts.actors.givenUpByActor].map(([actor, reason]) => ({ actor, reason })),
  };
}

function listenerStatus(id: string, { actors, feed, options }: NodeParts): ListenerStatus {
  const snapshot = actors.listeners.get(id)?.getSnapshot();
  if (snapshot === undefined) {
    return {
      id,
      state: 'failed',
      boundAddress: null,
      reason: actors.givenUpByActor.get(`listener ${id}`) ?? 'it crashed',
    };
  }
  const { socket, reason } = snapshot.context;
  const boundAddress = socket?.boundAddress ?? null;
  if (socket === null) return { id, state: reason === null ? 'opening' : 'failed', boundAddress, reason };
  let isListening = options.workers === 0;
  for (let index = 0; index < options.workers; index++) {
    const failure = feed.link(index)?.listenFailureById.get(id);
    isListening ||= failure === null;
    if (typeof failure === 'string')
      return { id, state: 'failed', boundAddress, reason: `worker ${index}: ${failure}` };
  }
  return { id, state: isListening ? 'listening' : 'opening', boundAddress, reason };
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
