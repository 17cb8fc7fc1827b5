/**
 * The node: its life from the first look at the journal to the last.
 *
 *     starting ──from the journal──► following: catching-up ──caught up──► serving ──stop──► stopping ──► stopped
 *        │ └─────from the local snapshot─────────────────────────────────────►┘
 *        └─failed─► waiting ──backoff──► starting
 *
 * Nothing is served before `serving` [I3]: the actors that listen and probe do not exist yet, and workers wait for their
 * roster. A node that begins with its own last snapshot serves at once, and catches up while it does. From then on the
 * journal may go and come back; the state stays `serving` [I6]. The journal is followed while the node stops, too, because
 * connections that are being drained still follow the roster.
 */
import { fromCallback, fromPromise, setup, type SnapshotFrom } from 'xstate';

/** What the states do; the node's parts do it. */
export interface NodeDuties {
  /** Takes what there is to begin with; rejects when the journal is away and there is nothing else. */
  readonly load: () => Promise<'journal' | 'local'>;
  readonly loadFailed: (error: unknown) => void;
  /** Follows the journal, and sends `caught-up`; returns what ends that. */
  readonly follow: () => () => void;
  /** Begins to serve; resolves when every part of the node does. */
  readonly serve: () => Promise<void>;
  /** Drains and stops everything; the journal is still followed. */
  readonly shutDown: (stopping: Stopping) => Promise<void>;
  readonly partFailed: (error: unknown) => void;
  readonly reloadDelayMs: () => number;
}

export interface Stopping {
  readonly drainTimeoutMs: number;
  readonly reason: string | null;
}

type NodeEvent = { readonly type: 'caught-up' } | ({ readonly type: 'stop' } & Stopping);

export const nodeMachine = setup({
  types: {
    context: {} as { readonly duties: NodeDuties },
    input: {} as NodeDuties,
    events: {} as NodeEvent,
  },
  actors: {
    load: fromPromise<'journal' | 'local', NodeDuties>(({ input }) => input.load()),
    follow: fromCallback<{ readonly type: string }, NodeDuties>(({ input }) => input.follow()),
    serve: fromPromise<void, NodeDuties>(({ input }) => input.serve()),
    shutDown: fromPromise<void, { readonly duties: NodeDuties; readonly stopping: Stopping }>(({ input }) =>
      input.duties.shutDown(input.stopping),
    ),
  },
  actions: {
    loadFailed: ({ context }, { error }: { error: unknown }) => context.duties.loadFailed(error),
    partFailed: ({ context }, { error }: { error: unknown }) => context.duties.partFailed(error),
  },
  guards: { isLocal: (_, { output }: { output: 'journal' | 'local' }) => output === 'local' },
  delays: { reload: ({ context }) => context.duties.reloadDelayMs() },
}).createMachine({
  id: 'node',
  context: ({ input }) => ({ duties: input }),
  initial: 'starting',
  states: {
    starting: {
      invoke: {
        src: 'load',
        input: ({ context }) => context.duties,
        onDone: [
          { guard: { type: 'isLocal', params: ({ event }) => event }, target: 'following.serving' },
          { target: 'following' },
        ],
        onError: { target: 'waiting', actions: { type: 'loadFailed', params: ({ event }) => event } },
      },
      on: { stop: 'stoppingEarly' },
    },
    waiting: { after: { reload: 'starting' }, on: { stop: 'stoppingEarly' } },
    following: {
      invoke: { src: 'follow', input: ({ context }) => context.duties },
      initial: 'catching-up',
      states: {
        'catching-up': { on: { 'caught-up': 'serving', stop: 'stopping' } },
        serving: {
          invoke: {
            src: 'serve',
            input: ({ context }) => context.duties,
            onError: { actions: { type: 'partFailed', params: ({ event }) => event } },
          },
          on: { stop: 'stopping' },
        },
        stopping: {
          invoke: {
            src: 'shutDown',
            input: stoppingInput,
            onDone: '#node.stopped',
            onError: { target: '#node.stopped', actions: { type: 'partFailed', params: ({ event }) => event } },
          },
        },
      },
    },
    stoppingEarly: {
      invoke: {
        src: 'shutDown',
        input: stoppingInput,
        onDone: 'stopped',
        onError: { target: 'stopped', actions: { type: 'partFailed', params: ({ event }) => event } },
      },
    },
    stopped: { type: 'final' },
  },
});

function stoppingInput({ context, event }: { context: { readonly duties: NodeDuties }; event: unknown }) {
  return { duties: context.duties, stopping: event as Stopping };
}

/** The state's name as the status shows it. */
export function nodeState({ value }: SnapshotFrom<typeof nodeMachine>) {
  if (typeof value === 'object') return value.following;
  switch (value) {
    case 'starting':
    case 'waiting':
      return 'starting';
    case 'stoppingEarly':
      return 'stopping';
    case 'stopped':
      return 'stopped';
  }
}
