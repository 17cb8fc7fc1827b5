/**
 * The backend: everything that time does to one member of a pool on this node, side by side.
 *
 *     probing    unwatched ──watch──► probed ──crash──► recovering ──restart──► probed
 *                                       └────crash, too often──► abandoned
 *     ejection   admitted ──ejected──► ejected ──left──► returned ──term, the last is forgiven──► admitted
 *                                         ▲                 │ └─term: count - 1─┘
 *                                         └──────ejected────┘
 *
 * There is one for each backend that is probed, or that live traffic has ejected and time has not forgiven yet. What is known of its
 * health survives a crash of the prober, because it is kept here.
 *
 * One ejection is forgiven each time that the backend has stayed admitted for as long as the latest one lasts: as long in as it was out.
 * Sooner, and a backend that fails again each time after a short while would be out for `baseMs` at a time for ever (Envoy forgives one
 * at each sweep, every 10 s). Later would punish today what happened yesterday. Who is ejected is the pool's business.
 */
import { backoffMs, messageOf, present, RETRY_BACKOFF, type HealthEvent } from '@muster/membership';
import { assign, setup } from 'xstate';
import { crashesWith, isTooOften, type Supervision } from '../actor-group.ts';
import type { ProberPorts } from './probe-round.ts';
import type { ProbeTask } from './probes.ts';
import { proberMachine, type TurnedEvent } from './prober-machine.ts';

/** What the backends of a pool share. */
export interface BackendPorts extends Pick<Supervision, 'clock' | 'random' | 'log' | 'onGivenUp'> {
  readonly prober: ProberPorts;
  /** Told of what was found: that health turned, and that an ejection ended. */
  readonly onFound: (backend: string, event: HealthEvent) => void;
  /** How long ejection number `count` lasts, by the policy as it is now. */
  readonly termMs: (count: number) => number;
  /** The last of its ejections is forgiven. */
  readonly onForgiven: (backend: string) => void;
}

/** An ejection: of which target, which of the backend's it is, 1 for the first, and how much of it is left. */
export interface Ejection {
  readonly target: string;
  readonly count: number;
  readonly leftMs: number;
}

export interface BackendInput {
  readonly pool: string;
  readonly backend: string;
  /** Null where it is not to be probed. */
  readonly task: ProbeTask | null;
  readonly ports: BackendPorts;
}

type BackendEvent =
  /** Probe this from now on, beginning with a probe at once. */
  | { readonly type: 'watch'; readonly task: ProbeTask }
  | { readonly type: 'unwatch' }
  | TurnedEvent
  /** Live traffic ejected it, now or before this node was started. Ignored while it is ejected already. */
  | ({ readonly type: 'ejected' } & Ejection)
  | { readonly type: 'reinstate'; readonly reason: string }
  /** Somebody else has reinstated it. */
  | { readonly type: 'admitted' }
  /** It has another target, of which nothing is counted. */
  | { readonly type: 'retargeted' };

interface BackendContext extends BackendInput {
  readonly crashedAtMs: readonly number[];
  /** The present ejection, or the latest while it is not forgiven. */
  readonly ejection: Ejection | null;
}

const NO_CRASHES: readonly number[] = [];

export const backendMachine = setup({
  types: {
    context: {} as BackendContext,
    input: {} as BackendInput,
    events: {} as BackendEvent,
  },
  actors: { prober: proberMachine },
  actions: {
    noteHealth: assign(({ context: { task } }, { type }: TurnedEvent) => ({
      task: task && { ...task, health: type === 'BackendTurnedHealthy' ? 'healthy' : 'unhealthy' },
    })),
    report: ({ context: { backend, ports } }, turned: TurnedEvent) => ports.onFound(backend, turned),
    countCrash: assign(({ context: { ports, crashedAtMs } }) => ({
      crashedAtMs: crashesWith(ports.clock.elapsedMs(), crashedAtMs),
    })),
    logCrash: ({ context }, { error }: { error: unknown }) => {
      const actor = proberName(context);
      context.ports.log.error({ actor, err: error }, `${actor} crashed and is started again: ${messageOf(error)}`);
    },
    giveUp: ({ context }, { error }: { error: unknown }) => {
      const actor = proberName(context);
      const reason = messageOf(error);
      context.ports.log.error({ actor, err: error }, `${actor} crashed too often and is given up: ${reason}`);
      context.ports.onGivenUp(actor, reason);
    },
    noteEjection: assign((_, { target, count, leftMs }: Ejection) => ({ ejection: { target, count, leftMs } })),
    reinstate: ({ context: { backend, ejection, ports } }, { reason }: { reason: string }) => {
      if (ejection === null) return;
      ports.onFound(backend, { type: 'BackendReinstated', target: ejection.target, reason });
    },
    forgiveOne: assign(({ context: { ejection } }) => ({
      ejection: ejection && { ...ejection, count: ejection.count - 1 },
    })),
    forgiveAll: assign({ ejection: null }),
    tellForgiven: ({ context: { backend, ports } }) => ports.onForgiven(backend),
  },
  guards: {
    isWatched: ({ context }) => context.task !== null,
    crashesTooOften: ({ context: { ports, crashedAtMs } }) =>
      isTooOften(crashesWith(ports.clock.elapsedMs(), crashedAtMs)),
    isTheLast: ({ context }) => context.ejection?.count === 1,
  },
  delays: {
    restart: ({ context: { crashedAtMs, ports } }) => backoffMs(crashedAtMs.length - 1, RETRY_BACKOFF, ports.random),
    left: ({ context }) => context.ejection?.leftMs ?? 0,
    term: ({ context: { ejection, ports } }) => ports.termMs(ejection?.count ?? 0),
  },
}).createMachine({
  id: 'backend',
  context: ({ input }) => ({ ...input, crashedAtMs: NO_CRASHES, ejection: null }),
  type: 'parallel',
  states: {
    probing: {
      initial: 'unwatched',
      on: {
        watch: { target: '.probed', actions: assign(({ event }) => ({ task: event.task })) },
        unwatch: { target: '.unwatched', actions: assign({ task: null }) },
      },
      states: {
        unwatched: { always: { guard: 'isWatched', target: 'probed' } },
        probed: {
          invoke: {
            id: 'prober',
            src: 'prober',
            input: ({ context: { pool, backend, task, ports } }) => ({
              pool,
              backend,
              task: present(task, 'the task of a backend that is probed'),
              ports: ports.prober,
            }),
            onError: [
              {
                guard: 'crashesTooOften',
                target: 'abandoned',
                actions: { type: 'giveUp', params: ({ event }) => event },
              },
              {
                target: 'recovering',
                actions: ['countCrash', { type: 'logCrash', params: ({ event }) => event }],
              },
            ],
          },
          on: {
            BackendTurnedHealthy: {
              actions: [
                { type: 'noteHealth', params: ({ event }) => event },
                { type: 'report', params: ({ event }) => event },
              ],
            },
            BackendTurnedUnhealthy: {
              actions: [
                { type: 'noteHealth', params: ({ event }) => event },
                { type: 'report', params: ({ event }) => event },
              ],
            },
          },
        },
        recovering: { after: { restart: 'probed' } },
        abandoned: {},
      },
    },
    ejection: {
      initial: 'admitted',
      on: { retargeted: { target: '.admitted', actions: 'forgiveAll' } },
      states: {
        admitted: {
          on: { ejected: { target: 'ejected', actions: { type: 'noteEjection', params: ({ event }) => event } } },
        },
        ejected: {
          after: {
            left: { target: 'returned', actions: { type: 'reinstate', params: { reason: 'its time is up' } } },
          },
          on: {
            // A probe's word is newer than that of the traffic which the backend no longer gets.
            BackendTurnedHealthy: {
              target: 'returned',
              actions: { type: 'reinstate', params: ({ event }) => ({ reason: `turned healthy: ${event.reason}` }) },
            },
            reinstate: { target: 'returned', actions: { type: 'reinstate', params: ({ event }) => event } },
            admitted: 'returned',
          },
        },
        returned: {
          after: {
            term: [
              { guard: 'isTheLast', target: 'admitted', actions: ['forgiveAll', 'tellForgiven'] },
              { target: 'returned', reenter: true, actions: 'forgiveOne' },
            ],
          },
          on: { ejected: { target: 'ejected', actions: { type: 'noteEjection', params: ({ event }) => event } } },
        },
      },
    },
  },
});

function proberName({ pool, backend }: BackendContext): string {
  return `prober ${pool}/${backend}`;
}
