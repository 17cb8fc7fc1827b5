/**
 * The ejection of one backend: how long it lasts, how often it has happened, and when that is forgiven.
 *
 *                  ┌── its time is up, or somebody else lifts it ──┐
 *     ejected ─────┘                                               └────► admitted ──── the last is forgiven ──► forgotten
 *        ▲                                                                 │    ▲ │
 *        └───────────────────── ejected once more ─────────────────────────┘    └─┘ stayed: count - 1
 *
 * One ejection is forgiven each time that the backend has stayed admitted for as long as the latest one lasts: as long in as
 * it was out. Sooner, and a backend that fails again each time after a short while would be out for `baseMs` at a time for ever
 * (Envoy forgives one at each sweep, every 10 s). Later would punish today what happened yesterday.
 *
 * There is one for each backend that is ejected or was lately. What it decides is when; who is ejected is not its business.
 */
import { assign, setup } from 'xstate';

/** The present ejection: which of the backend's it is, 1 for the first, and how much of it is left. */
interface Ejection {
  readonly count: number;
  readonly leftMs: number;
}

export interface EjectionInput extends Ejection {
  /** How long ejection number `count` lasts, by the policy as it is now. */
  readonly termMs: (count: number) => number;
  readonly onTimeUp: () => void;
}

type EjectionEvent =
  /** Once more. Ignored while it is ejected already. */
  | ({ readonly type: 'ejected' } & Ejection)
  /** By somebody else than its own time. */
  | { readonly type: 'admitted' };

export const ejectionMachine = setup({
  types: {
    context: {} as EjectionInput,
    input: {} as EjectionInput,
    events: {} as EjectionEvent,
  },
  actions: {
    noteEjection: assign((_, { count, leftMs }: Ejection) => ({ count, leftMs })),
    forgiveOne: assign(({ context }) => ({ count: context.count - 1 })),
    tellTimeUp: ({ context }) => context.onTimeUp(),
  },
  guards: { isTheLast: ({ context }) => context.count === 1 },
  delays: {
    left: ({ context }) => context.leftMs,
    term: ({ context }) => context.termMs(context.count),
  },
}).createMachine({
  id: 'ejection',
  context: ({ input }) => input,
  initial: 'ejected',
  states: {
    ejected: {
      after: { left: { target: 'admitted', actions: 'tellTimeUp' } },
      on: { admitted: 'admitted' },
    },
    admitted: {
      after: {
        term: [
          { guard: 'isTheLast', target: 'forgotten' },
          { target: 'admitted', reenter: true, actions: 'forgiveOne' },
        ],
      },
      on: { ejected: { target: 'ejected', actions: { type: 'noteEjection', params: ({ event }) => event } } },
    },
    forgotten: { type: 'final' },
  },
});
