/**
 * The listener: keeps one address bound and its socket with the workers.
 *
 *     opening ──opened──► listening ──another bind──► moving ──opened──► listening, the old socket is closed
 *        └─failed─► (tried again after 500 ms to 5 s, the reason is shown) ─┘
 *
 * It binds and hands over; it never accepts. A changed spec with the same bind goes to the workers without a socket, so
 * connections that are open are untouched. On removal the workers are told to stop accepting, then the socket is closed.
 *
 * Each socket has a keeper: a callback actor that opens it, tries again while it cannot, and closes it in its cleanup,
 * also when it opens only after nobody wants it any more.
 */
import { assign, fromCallback, setup, spawnChild, stopChild } from 'xstate';
import { messageOf, type Listener, type ListenerSpec } from '@muster/membership';
import { backoffMs, type Backoff } from './backoff.ts';
import type { Clock, Logger, OpenSocket, OpenSocketOutcome, SharedSocket } from './ports.ts';
import type { WorkerFeed } from './worker-feed.ts';

const OPEN_BACKOFF: Backoff = { minMs: 500, maxMs: 5_000 };

interface ListenerPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly openSocket: OpenSocket;
  readonly feed: WorkerFeed;
}

export interface ListenerInput {
  readonly listener: Pick<Listener, 'id' | 'spec'>;
  readonly ports: ListenerPorts;
}

type ListenerEvent =
  | { readonly type: 'redefined'; readonly spec: ListenerSpec }
  | { readonly type: 'opened'; readonly keeper: string; readonly socket: SharedSocket }
  | { readonly type: 'failed'; readonly keeper: string; readonly reason: string };

interface ListenerContext {
  readonly id: string;
  readonly spec: ListenerSpec;
  readonly ports: ListenerPorts;
  /** Counts keepers, so that each has an id of its own. */
  readonly keepersCount: number;
  /** The keeper of `socket`. */
  readonly keeper: string | null;
  readonly socket: SharedSocket | null;
  /** What `socket` was asked to bind to. */
  readonly socketBind: string | null;
  /** Why the newest try failed; null after a success. */
  readonly reason: string | null;
}

interface KeeperInput {
  readonly keeper: string;
  readonly listener: string;
  readonly bind: string;
  readonly ports: ListenerPorts;
}

const keeperLogic = fromCallback<{ readonly type: string }, KeeperInput>(({ input, sendBack }) => {
  const { keeper, listener, bind, ports } = input;
  let socket: SharedSocket | null = null;
  let timer: unknown = null;
  let isStopped = false;
  let failuresCount = 0;
  const settle = (outcome: OpenSocketOutcome): void => {
    if (outcome.outcome === 'open') {
      if (isStopped) return outcome.socket.close();
      socket = outcome.socket;
      return sendBack({ type: 'opened', keeper, socket });
    }
    if (isStopped) return;
    const { reason } = outcome;
    if (failuresCount === 0) ports.log.error({ listener, reason }, `listener ${listener} cannot open: ${reason}`);
    timer = ports.clock.setTimeout(open, backoffMs(failuresCount, OPEN_BACKOFF, ports.random));
    failuresCount += 1;
    sendBack({ type: 'failed', keeper, reason });
  };
  const open = (): void => {
    ports.openSocket(bind).then(settle, (error: unknown) => {
      ports.log.error({ listener, err: error }, `listener ${listener} could not be opened: ${messageOf(error)}`);
      settle({ outcome: 'failed', reason: messageOf(error) });
    });
  };
  open();
  return () => {
    isStopped = true;
    ports.clock.clearTimeout(timer);
    socket?.close();
  };
});

/** Tells the workers to stop accepting. Started before the keepers, and so stopped before they close their sockets. */
const presenceLogic = fromCallback<{ readonly type: string }, ListenerInput>(({ input }) => {
  return () => input.ports.feed.unlisten(input.listener.id);
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
        ports: context.ports,
      }),
    }),
    stopNewestKeeper: stopChild(({ context }) => keeperName(context.keepersCount)),
    stopOldKeeper: stopChild(({ context }) => context.keeper ?? ''),
    countKeeper: assign({ keepersCount: ({ context }) => context.keepersCount + 1, reason: null }),
    present: ({ context: { id, spec, socket, ports } }) => {
      if (socket !== null) ports.feed.listen({ id, spec }, socket);
      ports.feed.progressed();
    },
    progressed: ({ context }) => context.ports.feed.progressed(),
  },
  guards: {
    isNewest: ({ context }, { keeper }: { keeper: string }) => keeper === keeperName(context.keepersCount),
    isBound: ({ context }, { spec }: { spec: ListenerSpec }) => spec.bind === context.socketBind,
    hasSameBind: ({ context }, { spec }: { spec: ListenerSpec }) => spec.bind === context.spec.bind,
  },
}).createMachine({
  id: 'listener',
  context: ({ input: { listener, ports } }) => ({
    id: listener.id,
    spec: listener.spec,
    ports,
    keepersCount: 0,
    keeper: null,
    socket: null,
    socketBind: null,
    reason: null,
  }),
  invoke: {
    id: 'presence',
    src: 'presence',
    input: ({ context: { id, spec, ports } }) => ({ listener: { id, spec }, ports }),
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
  },
  states: {
    opening: {
      on: {
        redefined: [
          {
            guard: { type: 'hasSameBind', params: ({ event }) => event },
            actions: assign(({ event }) => ({ spec: event.spec })),
          },
          {
            // Back to where it is still bound, before the other address could be had.
            guard: { type: 'isBound', params: ({ event }) => event },
            target: 'listening',
            actions: ['stopNewestKeeper', assign(({ event }) => ({ spec: event.spec, reason: null })), 'present'],
          },
          {
            actions: ['stopNewestKeeper', assign(({ event }) => ({ spec: event.spec })), 'countKeeper', 'startKeeper'],
          },
        ],
      },
    },
    listening: {
      on: {
        redefined: [
          {
            guard: { type: 'hasSameBind', params: ({ event }) => event },
            actions: [assign(({ event }) => ({ spec: event.spec })), 'present'],
          },
          {
            target: 'opening',
            actions: [assign(({ event }) => ({ spec: event.spec })), 'countKeeper', 'startKeeper'],
          },
        ],
      },
    },
  },
});
