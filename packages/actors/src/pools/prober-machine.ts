/**
 * The prober: watches one target for a backend, doubts what it thinks of it when probes contradict it, and tells when enough have.
 *
 *     settled ──contradicted──► doubting      probes come at the policy's fast interval
 *        ▲                         │ ▲
 *        ├────── confirmed ────────┤ └── contradicted, and still not by enough in a row
 *        └ contradicted by enough ─┘         the backend is told, and probes come at the interval again
 *
 * There is one for one target and one policy: for another of either the backend starts another prober. Its round (`probe-round.ts`)
 * probes at the pace that the state sets. A defect ends the prober, and the backend decides whether to start another.
 *
 * XState runs no exit actions of an actor that is stopped, but it tells whoever has subscribed: that is where the round is stopped. An
 * actor of its own for the round would be another 2 KB for each of 10,000 backends.
 */
import { fastIntervalMs, judge, type EventOf, type Judgement } from '@muster/membership';
import { assign, sendParent, setup } from 'xstate';
import { ProbeRound, type RoundEvent, type RoundInput } from './probe-round.ts';

interface ProberContext extends RoundInput {
  readonly round: ProbeRound;
  readonly judgement: Judgement;
}

type Contradiction = Extract<RoundEvent, { type: 'contradicted' }>;

/** What the backend is told, and the journal in the same words. */
export type TurnedEvent = EventOf<'BackendTurnedHealthy' | 'BackendTurnedUnhealthy'>;

export const proberMachine = setup({
  types: {
    context: {} as ProberContext,
    input: {} as RoundInput,
    events: {} as RoundEvent,
  },
  actions: {
    beginRound: ({ context: { round }, self }) => {
      const stop = (): void => round.stop();
      self.subscribe({ complete: stop, error: stop });
      round.begin();
    },
    probeAtInterval: ({ context: { round, task, judgement } }) => round.setPace(task.policy.intervalMs, judgement),
    probeAtFastInterval: ({ context: { round, task, judgement } }) =>
      round.setPace(fastIntervalMs(task.policy), judgement),
    judge: assign(({ context }, { reason }: Contradiction) => ({ judgement: judgedBy(context, reason) })),
    confirm: assign(({ context: { judgement } }) => ({ judgement: { ...judgement, againstCount: 0 } })),
    observeTurn: ({ context: { pool, backend, ports }, context }, { reason }: Contradiction) => {
      const { type, ...turn } = turnedBy(context, reason);
      const health = type === 'BackendTurnedHealthy' ? 'healthy' : 'unhealthy';
      ports.observe({ kind: 'turned', timeMs: Math.round(ports.clock.now()), pool, backend, ...turn, health });
    },
    tellBackend: sendParent(({ context }, { reason }: Contradiction) => turnedBy(context, reason)),
    crash: (_, { error }: { error: unknown }) => {
      throw error;
    },
  },
  guards: {
    isEnough: ({ context }, { reason }: Contradiction) => judgedBy(context, reason).againstCount === 0,
  },
}).createMachine({
  id: 'prober',
  context: ({ input, self }) => ({
    ...input,
    round: new ProbeRound(input, self),
    judgement: { health: input.task.health, againstCount: 0 },
  }),
  entry: 'beginRound',
  initial: 'settled',
  on: {
    contradicted: [
      {
        guard: { type: 'isEnough', params: ({ event }) => event },
        target: '.settled',
        actions: [
          { type: 'observeTurn', params: ({ event }) => event },
          { type: 'tellBackend', params: ({ event }) => event },
          { type: 'judge', params: ({ event }) => event },
        ],
      },
      { target: '.doubting', actions: { type: 'judge', params: ({ event }) => event } },
    ],
    crashed: { actions: { type: 'crash', params: ({ event }) => event } },
  },
  states: {
    settled: { entry: 'probeAtInterval' },
    doubting: { entry: 'probeAtFastInterval', on: { confirmed: { target: 'settled', actions: 'confirm' } } },
  },
});

/** The judgement after a probe that passed (`reason` is null) or did not. */
function judgedBy({ judgement, task }: ProberContext, reason: string | null): Judgement {
  return judge(judgement, reason === null, task.policy);
}

function turnedBy({ judgement: { health }, task: { target, policy } }: ProberContext, why: string | null): TurnedEvent {
  if (why !== null) return { type: 'BackendTurnedUnhealthy', target, reason: why };
  const passedCount = health === 'unknown' ? 1 : policy.rise;
  const reason = passedCount === 1 ? 'probe passed' : `${passedCount} probes passed`;
  return { type: 'BackendTurnedHealthy', target, reason };
}
