/**
 * What users of the documented permissions might try and must not get: plain tables, for the test that tries each of them on a
 * real server.
 */
import { SECURED_CLUSTER as CLUSTER, type NatsUser } from './nats-auth.ts';

export const STREAM = `muster-${CLUSTER}`;
export const BUCKET_STREAM = `OBJ_${STREAM}-snapshots`;

/** One thing that the server must refuse to a user: a publish or a subscription. */
interface Forbidden {
  readonly user: NatsUser;
  readonly what: string;
  readonly publish?: string;
  readonly subscribe?: string;
  readonly body?: string;
}

/** Only the administrator may. */
const NOBODY_ELSE: readonly Omit<Forbidden, 'user'>[] = [
  { what: 'delete the stream', publish: `$JS.API.STREAM.DELETE.${STREAM}` },
  { what: 'change the stream', publish: `$JS.API.STREAM.UPDATE.${STREAM}`, body: `{"name":"${STREAM}","max_msgs":1}` },
  { what: 'remove one event', publish: `$JS.API.STREAM.MSG.DELETE.${STREAM}`, body: '{"seq":1}' },
  { what: 'make another stream', publish: '$JS.API.STREAM.CREATE.other', body: '{"name":"other"}' },
  { what: 'delete the snapshots', publish: `$JS.API.STREAM.DELETE.${BUCKET_STREAM}` },
  { what: 'append to another cluster', publish: 'muster.other.pool.p', body: '{"type":"PoolRemoved"}' },
  { what: 'hear everything', subscribe: '>' },
  { what: 'hear all inboxes', subscribe: '_INBOX.>' },
];

/** Only nodes may. */
const NODES_ALONE: readonly Omit<Forbidden, 'user'>[] = [
  {
    what: 'append to another pool',
    publish: `muster.${CLUSTER}.backend.orders.x`,
    body: '{"type":"BackendDeregistered"}',
  },
  { what: 'define a listener', publish: `muster.${CLUSTER}.listener.front`, body: '{"type":"ListenerRemoved"}' },
  { what: 'define a pool', publish: `muster.${CLUSTER}.pool.spells`, body: '{"type":"PoolRemoved"}' },
  {
    what: 'speak of health',
    publish: `muster.${CLUSTER}.health.lb-1.spells.x`,
    body: '{"type":"BackendTurnedHealthy"}',
  },
  { what: 'stop a node', publish: `muster.${CLUSTER}.node.lb-1`, body: '{"type":"NodeStopped"}' },
  { what: 'purge the stream', publish: `$JS.API.STREAM.PURGE.${STREAM}` },
  { what: 'store a snapshot', publish: `$O.${STREAM}-snapshots.M.x`, body: '{}' },
  { what: 'announce a node', publish: `muster-live.${CLUSTER}.node.lb-1`, body: '{}' },
  { what: 'beat for another pool', publish: `muster-live.${CLUSTER}.lease.orders.x`, body: '{"target":"h:1"}' },
  { what: "hear a node's inbox", subscribe: '_INBOX_lb-1.>' },
  { what: "answer in a node's name", publish: '_R_.abcdef.ghijkl', body: '{"standing":"unknown"}' },
];

export const FORBIDDEN: readonly Forbidden[] = [
  ...[...NOBODY_ELSE, ...NODES_ALONE].map((one) => ({ ...one, user: 'SPELLS' as const })),
  { user: 'SPELLS', what: 'hear events', subscribe: `muster.${CLUSTER}.>` },
  { user: 'SPELLS', what: 'hear heartbeats', subscribe: `muster-live.${CLUSTER}.lease.*.*` },
  { user: 'SPELLS', what: 'make a consumer', publish: `$JS.API.CONSUMER.CREATE.${STREAM}.x`, body: '{}' },
  { user: 'SPELLS', what: 'read an event', publish: `$JS.API.STREAM.MSG.GET.${STREAM}`, body: '{"seq":1}' },
  { user: 'SPELLS', what: 'read an event directly', publish: `$JS.API.DIRECT.GET.${STREAM}`, body: '{"seq":1}' },

  ...[...NOBODY_ELSE, ...NODES_ALONE].map((one) => ({ ...one, user: 'DEBUGGER' as const })),
  {
    user: 'DEBUGGER',
    what: 'append to the pool',
    publish: `muster.${CLUSTER}.backend.spells.x`,
    body: '{"type":"BackendDeregistered"}',
  },
  { user: 'DEBUGGER', what: 'beat', publish: `muster-live.${CLUSTER}.lease.spells.x`, body: '{"target":"h:1"}' },
  { user: 'DEBUGGER', what: 'purge by the prefix', publish: `MUSTER.API.STREAM.PURGE.${STREAM}` },
  { user: 'DEBUGGER', what: 'delete by the prefix', publish: `MUSTER.API.STREAM.DELETE.${STREAM}` },
  { user: 'DEBUGGER', what: "hear a publisher's inbox", subscribe: '_INBOX_spells.>' },

  ...NOBODY_ELSE.map((one) => ({ ...one, user: 'LB_1' as const })),
  {
    user: 'LB_1',
    what: 'speak of health for another node',
    publish: `muster.${CLUSTER}.health.lb-2.spells.x`,
    body: '{"type":"BackendTurnedHealthy"}',
  },
  { user: 'LB_1', what: 'announce another node', publish: `muster-live.${CLUSTER}.node.lb-2`, body: '{}' },
  { user: 'LB_1', what: 'beat for a member', publish: `muster-live.${CLUSTER}.lease.spells.x`, body: '{}' },
  { user: 'LB_1', what: "hear another node's inbox", subscribe: '_INBOX_lb-2.>' },
  { user: 'LB_2', what: 'make the stream', publish: `$JS.API.STREAM.CREATE.${STREAM}`, body: `{"name":"${STREAM}"}` },
  { user: 'LB_2', what: 'make the bucket', publish: `$JS.API.STREAM.CREATE.${BUCKET_STREAM}`, body: '{}' },
];

/**
 * A server answers to whatever subject the asker names, with its own rights and not the asker's. With everybody in one account, the
 * acknowledgement of an append could so be sent to any subject: to another pool, or, before 2.10, to the stream's purge. Accounts
 * stop that: an answer goes back to the account that asked.
 */
export const REDIRECTED = [
  { what: 'of an append sent to another pool', answerTo: `muster.${CLUSTER}.backend.orders.x` },
  { what: 'of an append sent to a listener', answerTo: `muster.${CLUSTER}.listener.x` },
  { what: 'of an append purge the stream', answerTo: `$JS.API.STREAM.PURGE.${STREAM}` },
  { what: 'of an append delete the stream', answerTo: `$JS.API.STREAM.DELETE.${STREAM}` },
]
  .map((one) => ({
    ...one,
    user: 'SPELLS' as NatsUser,
    ask: `muster.${CLUSTER}.backend.spells.x`,
    body: 'not an event',
  }))
  .concat([
    {
      user: 'DEBUGGER',
      what: 'of a question appended',
      ask: `MUSTER.API.STREAM.INFO.${STREAM}`,
      body: '',
      answerTo: `muster.${CLUSTER}.backend.orders.x`,
    },
    {
      user: 'DEBUGGER',
      what: 'of a read appended again',
      ask: `MUSTER.API.STREAM.MSG.GET.${STREAM}`,
      body: '{"seq":1}',
      answerTo: `muster.${CLUSTER}.listener.front`,
    },
  ]);
