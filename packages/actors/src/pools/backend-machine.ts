/**
 * The backend: supervises the prober of one member of a pool, and hands its flips to the node.
 *
 *     probed ──crash──► recovering ──backoff──► probed          probe: a new target or policy enters `probed` anew
 *        └──crash, too often──► abandoned
 *
 * There is one for each backend that is watched; not where the pool has no health policy or an operator has put the
 * backend in maintenance. What is known of its health survives a crash of the prober, because it is kept here.
 */
import { messageOf } from '@muster/membership';
import { assign, setup } from 'xstate';
import { backoffMs, judgeCrash, RETRY_BACKOFF } from '../waits.ts';
import type { Supervision } from '../actor-group.ts';
import type { Finding } from '../journal/own-findings.ts';
import type { FlippedEvent, ProberPorts, ProbeTask } from './probe-round.ts';
import { proberMachine } from './prober-machine.ts';

export interface BackendPorts extends Supervision {
  readonly prober: ProberPorts;
  /** Told of each flip of a backend's health. */
  readonly onFinding: (finding: Finding) => void;
}

export interface BackendInput {
  readonly pool: string;
  readonly backend: string;
  readonly task: ProbeTask;
  readonly ports: BackendPorts;
}

/** Probe this from now on, beginning with a probe at once. */
interface ProbeEvent {
  readonly type: 'probe';
  readonly task: ProbeTask;
}

interface BackendContext extends BackendInput {
  readonly crashedAtMs: readonly number[];
}

export const backendMachine = setup({
  types: {
    context: {} as BackendContext,
    input: {} as BackendInput,
    events: {} as ProbeEvent | FlippedEvent,
  },
  actors: { prober: proberMachine },
  actions: {
    report: ({ context }, { health, reason }: FlippedEvent) => {
      const { pool, backend, task, ports } = context;
      const type = health === 'healthy' ? 'BackendTurnedHealthy' : 'BackendTurnedUnhealthy';
      ports.onFinding({ pool, backend, event: { type, target: task.target, reason } });
    },
    countCrash: assign(({ context }, { error }: { error: unknown }) => {
      const { pool, backend, ports, crashedAtMs } = context;
      const verdict = judgeCrash(crashedAtMs, { nowMs: ports.clock.elapsedMs(), random: ports.random });
      const reason = messageOf(error);
      const actor = `prober ${pool}/${backend}`;
      if (verdict.kind === 'give-up') return {};
      ports.log.error({ actor, err: error }, `${actor} crashed and is started again: ${reason}`);
      return { crashedAtMs: verdict.crashedAtMs };
    }),
    giveUp: ({ context }, { error }: { error: unknown }) => {
      const { pool, backend, ports } = context;
      const actor = `prober ${pool}/${backend}`;
      const reason = messageOf(error);
      ports.log.error({ actor, err: error }, `${actor} crashed too often and is given up: ${reason}`);
      ports.onGivenUp(actor, reason);
    },
  },
  guards: {
    crashesTooOften: ({ context }) => {
      const { ports, crashedAtMs } = context;
      return judgeCrash(crashedAtMs, { nowMs: ports.clock.elapsedMs(), random: ports.random }).kind === 'give-up';
    },
  },
  delays: {
    restart: ({ context: { crashedAtMs, ports } }) => backoffMs(crashedAtMs.length - 1, RETRY_BACKOFF, ports.random),
  },
}).createMachine({
  id: 'backend',
  context: ({ input }) => ({ ...input, crashedAtMs: [] }),
  initial: 'probed',
  on: {
    probe: { target: '.probed', actions: assign(({ event }) => ({ task: event.task })) },
  },
  states: {
    probed: {
      invoke: {
        id: 'prober',
        src: 'prober',
        input: ({ context: { pool, backend, task, ports } }) => ({ pool, backend, task, ports: ports.prober }),
        onError: [
          {
            guard: 'crashesTooOften',
            target: 'abandoned',
            actions: { type: 'giveUp', params: ({ event }) => event },
          },
          { target: 'recovering', actions: { type: 'countCrash', params: ({ event }) => event } },
        ],
      },
      on: {
        flipped: {
          actions: [
            assign(({ context, event }) => ({ task: { ...context.task, health: event.health } })),
            { type: 'report', params: ({ event }) => event },
          ],
        },
      },
    },
    recovering: { after: { restart: 'probed' } },
    abandoned: {},
  },
});
