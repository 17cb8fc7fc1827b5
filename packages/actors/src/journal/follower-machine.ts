/**
 * The follower: which history of the journal a node reads, and when another roster takes the place of the one that it serves.
 *
 *     following ──what comes next was removed──► standing ──built anew──► replacing ──► following
 *        │  ▲  └──built anew beside it, because somebody asked──────────────►┘
 *        │  └──── it is the served history again, or the other one was adopted ───┐
 *        └──────────── another history ──────────────────────────────────► reading-other
 *
 * A roster that is built anew is built by a child, `rebuild`, from the request until it has come to the journal's end. Everything
 * else that reads is run by the one state that the chart is in, so no two of them ever change the served roster at once, and whoever
 * stops the follower stops all of it. What the states do is in `journal-reading.ts`.
 */
import { assertEvent, assign, fromCallback, fromPromise, setup, spawnChild, stopChild } from 'xstate';
import { backoffMs, RETRY_BACKOFF, messageOf } from '@muster/membership';
import { servedAlready, type JournalReading, type ReadingEvent, type RebuildRequest } from './journal-reading.ts';
import type { RosterBuilder } from './roster-builder.ts';

type FollowerEvent =
  | ReadingEvent
  | { readonly type: 'rebuild'; readonly request: RebuildRequest }
  /** Something may have changed that only a new look at the journal shows. */
  | { readonly type: 'look-again' }
  | { readonly type: 'xstate.done.actor.rebuild'; readonly output: RosterBuilder | null };

interface FollowerContext {
  readonly reading: JournalReading;
  /** How often reading broke off since the journal answered last. */
  readonly failuresCount: number;
  /** What the roster is built anew for; null while it is not. */
  readonly request: RebuildRequest | null;
  /** The roster that was built anew, until it is served. */
  readonly built: RosterBuilder | null;
  /** Rosters that were built anew and are, or were, served; and why the newest was. */
  readonly rebuilds: { readonly count: number; readonly lastReason: string | null };
}

type Reader = Pick<FollowerContext, 'reading' | 'built'>;

/** Reads until its state is left. What it finds is sent as an event; it never fails. */
function reader(read: (input: Reader, send: (event: ReadingEvent) => void, signal: AbortSignal) => Promise<void>) {
  return fromCallback<{ readonly type: string }, Reader>(({ input, sendBack }) => {
    const ending = new AbortController();
    const { signal } = ending;
    void read(input, sendBack, signal).catch((error: unknown) => {
      if (!signal.aborted) sendBack(input.reading.brokenOff(error));
    });
    return () => ending.abort();
  });
}

/** Whether the journal is another history than the served one. */
function isReplaced({ reading }: FollowerContext): boolean {
  return reading.ports.contact.replacement !== null;
}

export const followerMachine = setup({
  types: { context: {} as FollowerContext, input: {} as JournalReading, events: {} as FollowerEvent },
  actors: {
    readServed: reader(({ reading }, send, signal) => reading.readServed(send, signal)),
    readOther: reader(({ reading }, send, signal) => reading.readOther(send, signal)),
    replaceServed: reader(async ({ reading, built }, send, signal) => {
      if (built !== null) await reading.replaceServed(built, send, signal);
    }),
    rebuild: fromPromise<RosterBuilder | null, Pick<FollowerContext, 'reading' | 'request'>>(
      async ({ input: { reading, request }, signal }) => request && reading.rebuild(request, signal),
    ),
  },
  actions: {
    startedToRead: assign({ failuresCount: 0 }),
    countFailure: assign({ failuresCount: ({ context }) => context.failuresCount + 1 }),
    noteFailure: ({ context, event }) => {
      assertEvent(event, ['failed', 'cut']);
      context.reading.unreadable(messageOf(event.error), event.error);
    },
    noteReplaced: ({ context, event }) => {
      assertEvent(event, 'replaced');
      context.reading.ports.contact.replaced(event.epoch);
    },
    noteReturned: ({ context, event }) => {
      assertEvent(event, 'replaced');
      context.reading.ports.contact.returned();
      context.reading.other.end({ outcome: 'refused', message: servedAlready(event.epoch) });
    },
    startOtherOver: ({ context }) => context.reading.other.startOver(),
    wishRebuild: assign(({ event }) => {
      assertEvent(event, ['rebuild', 'cut']);
      return { request: event.request, built: null };
    }),
    sayRebuild: ({ context: { reading, request } }) => {
      const reason = request?.reason;
      reading.ports.log.error({ reason }, `the roster is built anew beside the one that is served: ${reason}`);
    },
    startRebuild: spawnChild('rebuild', {
      id: 'rebuild',
      input: ({ context: { reading, request } }) => ({ reading, request }),
    }),
    stopRebuild: stopChild('rebuild'),
    keepBuilt: assign(({ event }) => {
      assertEvent(event, 'xstate.done.actor.rebuild');
      return { built: event.output };
    }),
    forgetRebuild: assign({ request: null, built: null }),
    countRebuild: assign(({ context: { rebuilds, request } }) => ({
      rebuilds: { count: rebuilds.count + 1, lastReason: request?.reason ?? null },
    })),
  },
  guards: {
    isReplaced: ({ context }) => isReplaced(context),
    isServedAgain: ({ context: { reading }, event }) => {
      const { contact } = reading.ports;
      return event.type === 'replaced' && event.epoch === contact.epoch && event.epoch !== contact.replacement?.epoch;
    },
    isBuilt: ({ context }) => context.built !== null,
    hasBuilt: ({ event }) => event.type === 'xstate.done.actor.rebuild' && event.output !== null,
    mayRebuild: ({ context }) => context.request === null && !isReplaced(context),
  },
  delays: {
    retry: ({ context }) => backoffMs(context.failuresCount - 1, RETRY_BACKOFF, context.reading.ports.random),
  },
}).createMachine({
  id: 'follower',
  context: ({ input }) => ({
    reading: input,
    failuresCount: 0,
    request: null,
    built: null,
    rebuilds: { count: 0, lastReason: null },
  }),
  initial: 'choosing',
  states: {
    choosing: {
      always: [
        { guard: 'isReplaced', target: 'reading-other' },
        { guard: 'isBuilt', target: 'replacing' },
        { target: 'following' },
      ],
    },
    following: {
      invoke: { src: 'readServed', input: ({ context }) => context },
      on: {
        answered: { actions: 'startedToRead' },
        failed: { target: 'waiting', actions: ['countFailure', 'noteFailure'] },
        cut: { target: 'standing', actions: ['wishRebuild', 'sayRebuild', 'stopRebuild', 'startRebuild'] },
        replaced: { target: 'reading-other', actions: ['noteReplaced', 'stopRebuild', 'forgetRebuild'] },
        rebuild: { guard: 'mayRebuild', actions: ['wishRebuild', 'sayRebuild', 'startRebuild'] },
        'xstate.done.actor.rebuild': [
          { guard: 'hasBuilt', target: 'replacing', actions: ['stopRebuild', 'keepBuilt'] },
          { target: 'choosing', actions: ['stopRebuild', 'forgetRebuild'] },
        ],
        'look-again': 'choosing',
      },
    },
    standing: {
      on: {
        'xstate.done.actor.rebuild': [
          { guard: 'hasBuilt', target: 'replacing', actions: ['stopRebuild', 'keepBuilt'] },
          { target: 'choosing', actions: ['stopRebuild', 'forgetRebuild'] },
        ],
      },
    },
    replacing: {
      invoke: { src: 'replaceServed', input: ({ context }) => context },
      on: {
        answered: { actions: 'startedToRead' },
        failed: { target: 'waiting', actions: ['countFailure', 'noteFailure'] },
        cut: { target: 'standing', actions: ['wishRebuild', 'sayRebuild', 'startRebuild'] },
        swapped: { target: 'following', actions: ['countRebuild', 'forgetRebuild'] },
        gone: { target: 'following', actions: 'forgetRebuild' },
        'look-again': 'choosing',
      },
    },
    'reading-other': {
      invoke: { src: 'readOther', input: ({ context }) => context },
      on: {
        answered: { actions: 'startedToRead' },
        failed: { target: 'waiting', actions: ['countFailure', 'noteFailure'] },
        cut: { target: 'waiting', actions: ['startOtherOver', 'countFailure', 'noteFailure'] },
        replaced: [
          { guard: 'isServedAgain', target: 'following', actions: ['startOtherOver', 'noteReturned'] },
          { target: 'reading-other', reenter: true, actions: ['startOtherOver', 'noteReplaced'] },
        ],
        adopted: 'following',
        'look-again': 'choosing',
      },
    },
    waiting: {
      after: { retry: 'choosing' },
      on: {
        rebuild: { guard: 'mayRebuild', actions: ['wishRebuild', 'sayRebuild', 'startRebuild'] },
        'xstate.done.actor.rebuild': [
          { guard: 'hasBuilt', target: 'replacing', actions: ['stopRebuild', 'keepBuilt'] },
          { target: 'choosing', actions: ['stopRebuild', 'forgetRebuild'] },
        ],
        'look-again': 'choosing',
      },
    },
  },
});
