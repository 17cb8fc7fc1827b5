/**
 * The listener: keeps one address bound and its socket with the workers.
 *
 *     opening ──opened──► listening ──another bind──► opening ──opened──► listening, the old socket is closed
 *      ▲  └─failed─► (tried again after 500 ms to 5 s, the reason is shown) ─┘
 *      └── a worker could not listen on the socket: another one is bound
 *
 * It binds and hands over; it never accepts. A changed spec with the same bind goes to the workers without a socket, so
 * connections that are open are untouched. While another address cannot be had the old one stays open, unless it is what stands in
 * the way, of this listener or of another one that is to be there. On removal the workers are told to stop accepting, then the socket
 * is closed.
 *
 * Each socket has a keeper (`socket-keeper.ts`), which closes it when it is stopped.
 */
import { assign, fromCallback, setup, spawnChild, stopChild } from 'xstate';
import type { ListenerSpec } from '@muster/membership';
import type { ListenerDefinition, SharedSocket } from './ports.ts';
import { SocketKeeper, type KeeperEvent, type KeeperInput, type KeeperPorts } from './socket-keeper.ts';
import type { WorkerFeed } from './workers/worker-feed.ts';

interface ListenerPorts extends KeeperPorts {
  readonly feed: WorkerFeed;
}

export interface ListenerInput {
  readonly listener: ListenerDefinition;
  readonly ports: ListenerPorts;
}

/** The listener is defined anew, by the event at `revision`. */
interface RedefinedEvent {
  readonly type: 'redefined';
  readonly spec: ListenerSpec;
  readonly revision: number;
}

type ListenerEvent =
  | RedefinedEvent
  | KeeperEvent
  /** A worker could not listen on the socket. */
  | { readonly type: 'lost'; readonly keeper: string; readonly reason: string };

interface ListenerContext {
  readonly id: string;
  readonly spec: ListenerSpec;
  readonly revision: number;
  readonly ports: ListenerPorts;
  /** Counts keepers, so that each has an id of its own. */
  readonly keepersCount: number;
  /** The keeper of `socket`. */
  readonly keeper: string | null;
  readonly socket: SharedSocket | null;
  /** The bind of the definition that `socket` was opened for. */
  readonly socketBind: string | null;
  /** How often in a row no worker could listen on what was bound. */
  readonly lossesCount: number;
  /** Why the newest try failed; null after a success. */
  readonly reason: string | null;
}

const keeperLogic = fromCallback<{ readonly type: string }, KeeperInput>(({ input, sendBack }) => {
  const keeper = new SocketKeeper(input, sendBack);
  return () => keeper.stop();
});

/** Tells the workers to stop accepting. Started before the keepers, and so stopped before they close their sockets. */
const presenceLogic = fromCallback<{ readonly type: string }, ListenerInput>(({ input }) => {
  const { listener, ports } = input;
  return () => {
    ports.feed.unlisten(listener.id);
    ports.feed.ownSockets.wish(listener.id, null);
  };
});

const keeperName = (count: number): string => `socket-${count}`;

export const listenerMachine = setup({
  types: {
    context: {} as ListenerContext,
    input: {} as ListenerInput,
    events: {} as ListenerEvent,
  },
  actors: { keeper: keeperLogic, presence: presenceLogic },
  actions: {
    startKeeper: spawnChild('keeper', {
      id: ({ context }) => keeperName(context.keepersCount),
      input: ({ context }) => ({
        keeper: keeperName(context.keepersCount),
        listener: context.id,
        bind: context.spec.bind,
        lossesCount: context.lossesCount,
        ports: context.ports,
      }),
    }),
    stopNewestKeeper: stopChild(({ context }) => keeperName(context.keepersCount)),
    stopOldKeeper: stopChild(({ context }) => context.keeper ?? ''),
    countKeeper: assign({ keepersCount: ({ context }) => context.keepersCount + 1, reason: null }),
    present: ({ context: { id, spec, revision, socket, keeper, ports }, self }) => {
      if (socket !== null && keeper !== null) {
        const onSocketLost = (reason: string) => self.send({ type: 'lost', keeper, reason });
        ports.feed.listen({ definition: { id, spec, revision }, socket, onSocketLost });
      }
      ports.feed.progressed();
    },
    redefine: assign((_, { spec, revision }: Pick<RedefinedEvent, 'spec' | 'revision'>) => ({ spec, revision })),
    stay: ({ context: { id, spec, ports } }) => ports.feed.ownSockets.wish(id, spec.bind),
    withdraw: ({ context: { id, ports } }) => ports.feed.unlisten(id),
    forgetSocket: assign({ keeper: null, socket: null, socketBind: null }),
    progressed: ({ context }) => context.ports.feed.progressed(),
  },
  guards: {
    isCurrent: ({ context }, { keeper }: { keeper: string }) => keeper === context.keeper,
    isNewest: ({ context }, { keeper }: { keeper: string }) => keeper === keeperName(context.keepersCount),
    isBound: ({ context }, { spec }: { spec: ListenerSpec }) => spec.bind === context.socketBind,
    hasSameBind: ({ context }, { spec }: { spec: ListenerSpec }) => spec.bind === context.spec.bind,
  },
}).createMachine({
  id: 'listener',
  context: ({ input: { listener, ports } }) => ({
    id: listener.id,
    spec: listener.spec,
    revision: listener.revision,
    ports,
    keepersCount: 0,
    keeper: null,
    socket: null,
    socketBind: null,
    lossesCount: 0,
    reason: null,
  }),
  invoke: {
    id: 'presence',
    src: 'presence',
    input: ({ context: { id, spec, revision, ports } }) => ({ listener: { id, spec, revision }, ports }),
  },
  entry: 'startKeeper',
  initial: 'opening',
  on: {
    failed: {
      guard: { type: 'isNewest', params: ({ event }) => event },
      actions: [assign(({ event }) => ({ reason: event.reason })), 'progressed'],
    },
    opened: {
      guard: { type: 'isNewest', params: ({ event }) => event },
      target: '.listening',
      actions: [
        { type: 'stopOldKeeper' },
        assign(({ context, event }) => ({
          keeper: event.keeper,
          socket: event.socket,
          socketBind: context.spec.bind,
          reason: null,
        })),
        'present',
      ],
    },
    'in-the-way': {
      guard: { type: 'isCurrent', params: ({ event }) => event },
      actions: ['withdraw', 'stopOldKeeper', 'forgetSocket', 'progressed'],
    },
    lost: {
      guard: { type: 'isCurrent', params: ({ event }) => event },
      target: '.opening',
      actions: [
        'withdraw',
        'stopOldKeeper',
        'stopNewestKeeper',
        'forgetSocket',
        'countKeeper',
        assign(({ context, event }) => ({ lossesCount: context.lossesCount + 1, reason: event.reason })),
        'startKeeper',
        'progressed',
      ],
    },
  },
  states: {
    opening: {
      on: {
        redefined: [
          {
            guard: { type: 'hasSameBind', params: ({ event }) => event },
            actions: { type: 'redefine', params: ({ event }) => event },
          },
          {
            // Back to where it is still bound, before the other address could be had.
            guard: { type: 'isBound', params: ({ event }) => event },
            target: 'listening',
            actions: [
              'stopNewestKeeper',
              { type: 'redefine', params: ({ event }) => event },
              assign({ reason: null }),
              'stay',
              'present',
            ],
          },
          {
            actions: [
              'stopNewestKeeper',
              { type: 'redefine', params: ({ event }) => event },
              assign({ lossesCount: 0 }),
              'countKeeper',
              'startKeeper',
            ],
          },
        ],
      },
    },
    listening: {
      on: {
        redefined: [
          {
            guard: { type: 'hasSameBind', params: ({ event }) => event },
            actions: [{ type: 'redefine', params: ({ event }) => event }, 'present'],
          },
          {
            target: 'opening',
            actions: [
              { type: 'redefine', params: ({ event }) => event },
              assign({ lossesCount: 0 }),
              'countKeeper',
              'startKeeper',
            ],
          },
        ],
      },
    },
  },
});
