/** What a node says of itself, read off its parts when somebody asks. Nothing is kept here. */
import type { Actor } from 'xstate';
import { rosterHash } from '@muster/membership';
import type { ActorGroup } from './actor-group.ts';
import type { FoldedRoster } from './folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { listenerMachine } from './listener-machine.ts';
import type { ListenerStatus, NodeOptions, NodeStatus, ProbeTotals, WorkerStatus } from './node-handle.ts';
import type { WorkerFeed } from './worker-feed.ts';
import type { workerMachine } from './worker-machine.ts';

export interface NodeParts {
  readonly options: NodeOptions;
  readonly state: NodeStatus['state'];
  readonly startedMs: number;
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly feed: WorkerFeed;
  readonly probes: ProbeTotals;
  readonly listeners: ActorGroup<Actor<typeof listenerMachine>>;
  readonly workers: ActorGroup<Actor<typeof workerMachine>>;
  readonly givenUpByActor: ReadonlyMap<string, string>;
}

export function nodeStatus(parts: NodeParts): NodeStatus {
  const { options, state, startedMs, contact, folded, probes } = parts;
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
    isFromLocalSnapshot: false,
    epochChange: null,
    rebuilds: { count: 0, lastReason: null },
    peers: [],
    isNameTaken: false,
    leases: { count: 0, expiredCount: 0 },
    pendingFactsCount,
    rejectedCount: roster.rejectedCount,
    backendsCount,
    probes,
    listeners: [...parts.listeners.keys()].map((id) => listenerStatus(id, parts)),
    workers: [...parts.workers.keys()].map((key) => workerStatus(key, parts)),
    givenUp: [...givenUp(parts)].map(([actor, reason]) => ({ actor, reason })),
  };
}

function* givenUp({ contact, givenUpByActor }: NodeParts): Generator<[string, string]> {
  yield* givenUpByActor;
  const reason = contact.appendRefusal();
  if (reason !== null) yield ['journal follower', reason];
}

function listenerStatus(id: string, { listeners, feed, options, givenUpByActor }: NodeParts): ListenerStatus {
  const snapshot = listeners.get(id)?.getSnapshot();
  if (snapshot === undefined) {
    return { id, state: 'failed', boundAddress: null, reason: givenUpByActor.get(`listener ${id}`) ?? 'it crashed' };
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

function workerStatus(key: string, { workers, feed }: NodeParts): WorkerStatus {
  const index = Number(key);
  const snapshot = workers.get(key)?.getSnapshot();
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
