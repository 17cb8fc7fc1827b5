/**
 * The probing itself: asks one target again and again, and speaks up only when an answer changes what is thought of it.
 *
 *     probe at once ──► finding ──► interval ± jitter ──► probe …
 *                          │ only when it flips, doubts or confirms the judgement
 *                          ▼
 *                     the prober machine
 *
 * A callback actor under the prober machine, for its cost: most findings say what is known already, and there are 10,000
 * of these. With `probing` and `waiting` as states of a machine a probe cost 130 µs, of which the socket takes 60; so it
 * costs 75.
 *
 * A round is for one target and one policy: another of either is another prober, and an answer that comes after that
 * reaches nobody.
 */
import { fromCallback } from 'xstate';
import { isFinding, judge, nextProbeDelayMs, type Health, type HealthPolicy, type Judgement } from '@muster/membership';
import type { Observation, ProbeSeen } from '@muster/observations';
import type { Probe, ProbeOutcome } from '@muster/probes';
import type { AnswerLimitFields, Clock, StartProbe } from '../ports.ts';
import type { ProbeSlots } from './probes.ts';

/** How often a prober tells the observer what it thinks, so that what is kept can be read from the middle. */
const STATE_INTERVAL_MS = 600_000;

/** What to probe, and what is known of it so far. */
export interface ProbeTask {
  readonly target: string;
  readonly policy: HealthPolicy;
  /** The pool's spec, as far as it concerns answers. */
  readonly limits: AnswerLimitFields;
  readonly health: Health;
}

/** What all probers of a node share. */
export interface ProberPorts {
  readonly clock: Clock;
  readonly startProbe: StartProbe;
  readonly slots: ProbeSlots;
  readonly random: () => number;
  /** Told of every outcome, for the counters and for faults of this machine. */
  readonly onOutcome: (outcome: ProbeOutcome) => void;
  /** Told of everything that a judgement is made from, and of what it came to. */
  readonly observe: (observation: Observation) => void;
}

export interface ProberInput {
  readonly pool: string;
  readonly backend: string;
  readonly task: ProbeTask;
  readonly ports: ProberPorts;
}

interface Flip {
  readonly health: 'healthy' | 'unhealthy';
  /** For people: `connection refused`, `2 probes passed`. */
  readonly reason: string;
}

/** The judgement has flipped. */
export interface FlippedEvent extends Flip {
  readonly type: 'flipped';
}

/** To the prober machine. */
export type JudgedEvent =
  | FlippedEvent
  /** A finding speaks against the judgement, and more are needed to flip it: probes come faster now. */
  | { readonly type: 'doubted' }
  /** A finding speaks for the judgement again. */
  | { readonly type: 'confirmed' };

interface CrashEvent {
  readonly type: 'crash';
  readonly error: unknown;
}

/** Probes in a slot, judges, waits, probes. Its cleanup leaves the line, the wait, or takes the running probe back. */
export const probeRound = fromCallback<CrashEvent, ProberInput>(
  ({ input: { pool, backend, task, ports }, self, sendBack, receive }) => {
    const { clock, slots, random } = ports;
    const observed = () => ({ timeMs: Math.round(clock.now()), pool, backend });
    let stateSaidMs = clock.elapsedMs();
    let judgement: Judgement = { health: task.health, againstCount: 0 };
    let probe: Probe | null = null;
    let timer: unknown = null;
    let isStopped = false;
    const begin = (): void => {
      try {
        probe = ports.startProbe(task.target, task.policy, task.limits);
        probe.outcome.then(end, crash);
      } catch (error) {
        crash(error);
      }
    };
    const enter = (): void => slots.enter(begin);
    const end = (outcome: ProbeOutcome): void => {
      probe = null;
      slots.leave();
      if (isStopped) return;
      ports.onOutcome(outcome);
      const seen = { ...observed(), target: task.target };
      ports.observe(probeSeen(outcome, seen));
      const before = judgement;
      if (isFinding(outcome)) judgement = judge(before, outcome.passed, task.policy);
      timer = clock.setTimeout(enter, nextProbeDelayMs(judgement, task.policy, random));
      if (judgement.health !== before.health) {
        const flip = flippedBy(outcome, before, task.policy);
        ports.observe({ kind: 'turned', ...seen, ...flip });
        sendBack({ type: 'flipped', ...flip });
      } else if (judgement.againstCount > 0 && before.againstCount === 0) sendBack({ type: 'doubted' });
      else if (judgement.againstCount === 0 && before.againstCount > 0) sendBack({ type: 'confirmed' });
      if (clock.elapsedMs() - stateSaidMs < STATE_INTERVAL_MS) return;
      stateSaidMs = clock.elapsedMs();
      ports.observe({ kind: 'probing-state', ...seen, policy: task.policy, ...judgement });
    };
    // A slot may become free in somebody else's turn: a defect is sent to this actor, so that no other crashes of it.
    const crash = (error: unknown): void => {
      probe = null;
      slots.leave();
      if (!isStopped) self.send({ type: 'crash', error });
    };
    // XState runs no cleanup of an actor that throws; nothing is armed or under way then.
    receive(({ error }) => {
      ports.observe({ kind: 'probing-ended', ...observed() });
      throw error;
    });
    const { target, policy, health } = task;
    ports.observe({ kind: 'probing-began', ...observed(), target, policy, health });
    enter();
    return () => {
      isStopped = true;
      ports.observe({ kind: 'probing-ended', ...observed() });
      clock.clearTimeout(timer);
      slots.cancel(begin);
      probe?.abort();
    };
  },
);

function probeSeen(
  outcome: ProbeOutcome,
  { timeMs, pool, backend, target }: Pick<ProbeSeen, 'timeMs' | 'pool' | 'backend' | 'target'>,
): ProbeSeen {
  const { passed, durationMs } = outcome;
  const { code, reason } = passed ? PASSED : outcome;
  return { kind: 'probe', timeMs, pool, backend, target, passed, code, reason, durationMs };
}

const PASSED = { code: null, reason: null } as const;

function flippedBy(outcome: ProbeOutcome, { health }: Judgement, { rise }: HealthPolicy): Flip {
  if (!outcome.passed) return { health: 'unhealthy', reason: outcome.reason };
  const passedCount = health === 'unknown' ? 1 : rise;
  const reason = passedCount === 1 ? 'probe passed' : `${passedCount} probes passed`;
  return { health: 'healthy', reason };
}
