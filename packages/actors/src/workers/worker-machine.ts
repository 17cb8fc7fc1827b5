/**
 * The worker: keeps one proxy process alive.
 *
 *     alive: starting ──in sync──► serving          restarting ──backoff──► alive
 *              └────────exited────────┴──────────────► ▲
 *              └──drain──► draining ──exited──► stopped, or killed when it takes too long
 *
 * A process that ends is started again for ever, after 100 ms at first and 5 s at most; one that lived for
 * `SETTLED_AFTER_MS` starts over at 100 ms. Nothing is given up: a node without workers carries no traffic, and what
 * keeps a worker from starting (a full disk, a limit on processes) often passes. Five fast ends in a row are an error in
 * the log, and so is each one after them.
 */
import { backoffMs, RETRY_BACKOFF, messageOf } from '@muster/membership';
import { assign, fromCallback, sendTo, setup } from 'xstate';
import type { Clock, Logger, Outlier, SpawnWorker } from '../ports.ts';
import type { WorkerFeed } from './worker-feed.ts';
import { WorkerLink } from './worker-link.ts';

/** A process that lived this long was no fast end. */
const SETTLED_AFTER_MS = 10_000;
const FAST_EXITS_REPORTED = 5;
/** A draining process may take this much longer than its connections before it is killed. */
const DRAIN_GRACE_MS = 2_000;

interface WorkerPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly spawnWorker: SpawnWorker;
  readonly feed: WorkerFeed;
  readonly onOutlier: (outlier: Outlier) => void;
}

export interface WorkerInput {
  readonly index: number;
  readonly ports: WorkerPorts;
}

type WorkerEvent =
  | { readonly type: 'in-sync' }
  | { readonly type: 'exited'; readonly reason: string }
  /** Let connections finish for this long, then end. */
  | { readonly type: 'drain'; readonly timeoutMs: number };

interface WorkerContext extends WorkerInput {
  /** When the process was started, by `elapsedMs`. */
  readonly startedElapsedMs: number;
  readonly fastExitsInARow: number;
  readonly restartsCount: number;
  readonly drainTimeoutMs: number;
}

type ProcessOrder = { readonly type: 'drain'; readonly timeoutMs: number } | { readonly type: 'kill' };

/** One process and the link to it. Its cleanup ends the process. */
const processLogic = fromCallback<ProcessOrder, WorkerInput>(({ input, sendBack, receive }) => {
  const { index, ports } = input;
  const { feed } = ports;
  let hasExited = false;
  const process = ports.spawnWorker(index, {
    onReport: (report) => {
      if (report.kind === 'outlier') return ports.onOutlier(report);
      link.onReport(report);
      if (link.isInSync(0)) sendBack({ type: 'in-sync' });
      feed.progressed();
    },
    onExit: (reason) => {
      hasExited = true;
      feed.detach(link);
      sendBack({ type: 'exited', reason });
    },
  });
  const link = new WorkerLink(index, process, feed);
  feed.attach(link);
  receive((order) => {
    if (order.type === 'drain') link.drain(order.timeoutMs);
    else process.kill();
  });
  return () => {
    feed.detach(link);
    if (!hasExited) process.kill();
  };
});

export const workerMachine = setup({
  types: {
    context: {} as WorkerContext,
    input: {} as WorkerInput,
    events: {} as WorkerEvent,
  },
  actors: { process: processLogic },
  actions: {
    noteStart: assign({ startedElapsedMs: ({ context }) => context.ports.clock.elapsedMs() }),
    countExit: assign(({ context: { ports, startedElapsedMs, fastExitsInARow, restartsCount } }) => {
      const wasFast = ports.clock.elapsedMs() - startedElapsedMs < SETTLED_AFTER_MS;
      return { fastExitsInARow: wasFast ? fastExitsInARow + 1 : 0, restartsCount: restartsCount + 1 };
    }),
    logExit: ({ context }, { reason, ...rest }: { reason: string; err?: unknown }) => {
      const { index, ports, fastExitsInARow } = context;
      const level = fastExitsInARow >= FAST_EXITS_REPORTED ? 'error' : 'warn';
      const text = `worker ${index} ended (${reason}) and is started again`;
      ports.log[level]({ worker: index, reason, fastExitsInARow, ...rest }, text);
    },
    noteDrain: assign((_, { timeoutMs }: { timeoutMs: number }) => ({ drainTimeoutMs: timeoutMs })),
    logKill: ({ context: { index, ports } }) =>
      ports.log.warn({ worker: index }, `worker ${index} did not end in time and is killed`),
  },
  guards: {
    isSooner: ({ context }, { timeoutMs }: { timeoutMs: number }) => timeoutMs < context.drainTimeoutMs,
  },
  delays: {
    restart: ({ context: { fastExitsInARow, ports } }) =>
      backoffMs(Math.max(0, fastExitsInARow - 1), RETRY_BACKOFF, ports.random),
    drainLimit: ({ context }) => context.drainTimeoutMs + DRAIN_GRACE_MS,
    killLimit: DRAIN_GRACE_MS,
  },
}).createMachine({
  id: 'worker',
  context: ({ input }) => ({ ...input, startedElapsedMs: 0, fastExitsInARow: 0, restartsCount: 0, drainTimeoutMs: 0 }),
  initial: 'alive',
  states: {
    alive: {
      entry: 'noteStart',
      invoke: {
        id: 'process',
        src: 'process',
        input: ({ context }) => context,
        onError: {
          target: 'restarting',
          actions: [
            'countExit',
            { type: 'logExit', params: ({ event }) => ({ reason: messageOf(event.error), err: event.error }) },
          ],
        },
      },
      initial: 'starting',
      on: {
        exited: {
          target: 'restarting',
          actions: ['countExit', { type: 'logExit', params: ({ event: { reason } }) => ({ reason }) }],
        },
        drain: { target: '.draining', actions: { type: 'noteDrain', params: ({ event }) => event } },
      },
      states: {
        starting: { on: { 'in-sync': 'serving' } },
        serving: {},
        draining: {
          entry: sendTo('process', ({ context }) => ({ type: 'drain', timeoutMs: context.drainTimeoutMs })),
          on: {
            exited: '#worker.stopped',
            // Without the last, one that is not sooner would be `alive`'s to take, which begins the drain anew.
            drain: [
              {
                guard: { type: 'isSooner', params: ({ event }) => event },
                target: 'draining',
                reenter: true,
                actions: { type: 'noteDrain', params: ({ event }) => event },
              },
              {},
            ],
          },
          after: { drainLimit: 'killing' },
        },
        killing: {
          entry: ['logKill', sendTo('process', { type: 'kill' })],
          on: { exited: '#worker.stopped', drain: {} },
          after: { killLimit: '#worker.stopped' },
        },
      },
    },
    restarting: { after: { restart: 'alive' }, on: { drain: 'stopped' } },
    stopped: { type: 'final' },
  },
});
