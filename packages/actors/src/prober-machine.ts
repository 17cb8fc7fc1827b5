/**
 * The prober: asks one target again and again, and says when the answer to "is it healthy?" has changed.
 *
 *     probing ──answered──► waiting ──interval ± jitter──► probing
 *        └──crash──► error, to the backend that supervises it
 *
 * The first probe is made at once. Whether a finding flips the judgement is `rise-fall.ts`; what becomes of a flip is
 * the backend's business. A prober is for one target and one policy: another of either is another prober, and an answer
 * that comes after that reaches nobody.
 */
import { enqueueActions, fromCallback, sendParent, sendTo, setup } from 'xstate';
import type { Health, HealthPolicy } from '@muster/membership';
import type { Probe, ProbeOutcome } from '@muster/probes';
import type { StartProbe } from './ports.ts';
import type { ProbeSlots } from './probe-slots.ts';
import { judge, nextProbeDelayMs, type Judgement } from './rise-fall.ts';

/** What to probe, and what is known of it so far. */
export interface ProbeTask {
  readonly target: string;
  readonly policy: HealthPolicy;
  readonly health: Health;
}

/** What all probers of a node share. */
export interface ProberPorts {
  readonly startProbe: StartProbe;
  readonly slots: ProbeSlots;
  readonly random: () => number;
  /** Told of every finding, for the counters and for faults of this machine. */
  readonly onOutcome: (outcome: ProbeOutcome) => void;
}

export interface ProberInput {
  readonly task: ProbeTask;
  readonly ports: ProberPorts;
}

/** To the backend: the judgement has flipped. */
export interface FlippedEvent {
  readonly type: 'flipped';
  readonly health: 'healthy' | 'unhealthy';
  /** For people: `connect refused`, `2 probes passed`. */
  readonly reason: string;
}

interface AnsweredEvent {
  readonly type: 'answered';
  readonly outcome: ProbeOutcome;
}

type AttemptsEvent = { readonly type: 'attempt' } | { readonly type: 'crash'; readonly error: unknown };

interface ProberContext extends ProberInput {
  readonly judgement: Judgement;
}

/** Makes one attempt per event, in a slot. Its cleanup leaves the line, or takes the running probe back. */
const attempts = fromCallback<AttemptsEvent, ProberInput>(({ input, self, sendBack, receive }) => {
  const { task, ports } = input;
  let isStopped = false;
  let probe: Probe | null = null;
  const end = (tell: () => void): void => {
    probe = null;
    if (!isStopped) tell();
    ports.slots.leave();
  };
  // A slot may become free in somebody else's turn: a defect is sent to this actor, so that no other crashes of it.
  const crash = (error: unknown): void => end(() => self.send({ type: 'crash', error }));
  const begin = (): void => {
    try {
      probe = ports.startProbe(task.target, task.policy);
    } catch (error) {
      crash(error);
      return;
    }
    probe.outcome.then((outcome) => end(() => sendBack({ type: 'answered', outcome })), crash);
  };
  receive((event) => {
    if (event.type === 'crash') throw event.error;
    ports.slots.enter(begin);
  });
  return () => {
    isStopped = true;
    ports.slots.cancel(begin);
    probe?.abort();
  };
});

export const proberMachine = setup({
  types: {
    context: {} as ProberContext,
    input: {} as ProberInput,
    events: {} as AnsweredEvent,
  },
  actors: { attempts },
  actions: {
    judge: enqueueActions(({ context, enqueue }, { outcome }: { outcome: ProbeOutcome }) => {
      const { task, ports, judgement } = context;
      ports.onOutcome(outcome);
      if (!isFinding(outcome)) return;
      const after = judge(judgement, outcome.passed, task.policy);
      if (after.health === judgement.health && after.againstCount === judgement.againstCount) return;
      enqueue.assign({ judgement: after });
      if (after.health === judgement.health || after.health === 'unknown') return;
      const flipped: FlippedEvent = { type: 'flipped', health: after.health, reason: reasonOf(outcome, context) };
      enqueue(sendParent(flipped));
    }),
  },
  delays: {
    nextProbe: ({ context }) => nextProbeDelayMs(context.judgement, context.task.policy, context.ports.random),
  },
}).createMachine({
  id: 'prober',
  context: ({ input }) => ({ ...input, judgement: { health: input.task.health, againstCount: 0 } }),
  invoke: { id: 'attempts', src: 'attempts', input: ({ context }) => context },
  initial: 'probing',
  states: {
    probing: {
      entry: sendTo('attempts', { type: 'attempt' }),
      on: {
        answered: { target: 'waiting', actions: { type: 'judge', params: ({ event }) => event } },
      },
    },
    waiting: { after: { nextProbe: 'probing' } },
  },
});

/** A fault of this machine, or a probe taken back, says nothing about the target. */
function isFinding(outcome: ProbeOutcome): boolean {
  return outcome.passed || (outcome.code !== 'local_fault' && outcome.code !== 'aborted');
}

function reasonOf(outcome: ProbeOutcome, { judgement, task }: ProberContext): string {
  if (!outcome.passed) return outcome.reason;
  const passedCount = judgement.health === 'unknown' ? 1 : task.policy.rise;
  return passedCount === 1 ? 'probe passed' : `${passedCount} probes passed`;
}
