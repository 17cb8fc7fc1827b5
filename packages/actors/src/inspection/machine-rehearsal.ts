/**
 * Each machine without the world: what it takes to run one alone, on recorded events.
 *
 * Its children are replaced by ones that do nothing, since what they once sent is among the recorded events. Ports do nothing
 * either, save the clock. A delay that the machine does not compute itself, because chance or a policy has a part in it, is an
 * answer of the world like any other and comes from the recording; those that it does compute are computed again and compared.
 */
import { fromCallback, type AnyActorLogic, type AnyStateMachine } from 'xstate';
import { backendMachine } from '../pools/backend-machine.ts';
import { followerMachine } from '../journal/follower-machine.ts';
import { listenerMachine } from '../listener-machine.ts';
import { nodeMachine } from '../node-machine.ts';
import { proberMachine } from '../pools/prober-machine.ts';
import { workerMachine } from '../workers/worker-machine.ts';
import type { MachineKind, SeenEvent } from './inspection-line.ts';

export const MACHINES: Readonly<Record<MachineKind, AnyStateMachine>> = {
  node: nodeMachine,
  listener: listenerMachine,
  backend: backendMachine,
  prober: proberMachine,
  worker: workerMachine,
};

/** All machines that a node is made of. The follower's cannot be looked at from outside: what it is in shows in the node's status. */
export const CHARTED_MACHINES: Readonly<Record<string, AnyStateMachine>> = { ...MACHINES, follower: followerMachine };

/** What the recording answers in place of the world. */
export interface RecordedWorld {
  readonly elapsedMs: () => number;
  /** How long the delay of that name was, in ms. */
  readonly delayMs: (delay: string) => number;
}

type Plain = Readonly<Record<string, unknown>>;

export interface Rehearsal {
  readonly machine: AnyStateMachine;
  /** Input or context of the machine, from its plain view. */
  readonly revive: (plain: Plain) => object;
  /** An event from its plain view. */
  readonly reviveEvent: (event: SeenEvent) => SeenEvent;
}

const nothing = (): undefined => undefined;
const QUIET = { info: nothing, warn: nothing, error: nothing };
const UNUSED_CHANCE = 0.5;

export function rehearse(kind: MachineKind, world: RecordedWorld): Rehearsal {
  const delays = Object.fromEntries(
    (ANSWERED_DELAYS[kind] ?? []).map((name) => [name, () => world.delayMs(name)] as const),
  );
  const machine = MACHINES[kind].provide({
    actors: inertActors(MACHINES[kind]),
    actions: kind === 'prober' ? { beginRound: nothing, tellBackend: nothing } : {},
    delays,
  });
  const handed = handedTo(kind, world);
  return {
    machine,
    revive: (plain) => ({ ...plain, ...handed, ...revivedSocket(plain) }),
    reviveEvent: (event) => ({ ...event, ...revivedSocket(event), ...revivedError(event) }),
  };
}

/** Delays in which chance, a policy or a count outside the machine has a part. */
const ANSWERED_DELAYS: Partial<Record<MachineKind, readonly string[]>> = {
  node: ['reload'],
  backend: ['restart', 'term'],
  worker: ['restart'],
};

/** What the machine's own guards and actions call. */
function handedTo(kind: MachineKind, { elapsedMs }: RecordedWorld): object {
  switch (kind) {
    case 'node': {
      // Its input is its duties; its context holds them.
      const duties = { loadFailed: nothing, partFailed: nothing };
      return { ...duties, duties };
    }
    default:
      return {
        round: { setPace: nothing },
        ports: {
          clock: { elapsedMs, now: elapsedMs },
          random: () => UNUSED_CHANCE,
          log: QUIET,
          feed: { listen: nothing, unlisten: nothing, progressed: nothing, ownSockets: { wish: nothing } },
          observe: nothing,
          onFound: nothing,
          onForgiven: nothing,
          onGivenUp: nothing,
        },
      };
  }
}

function inertActors(machine: AnyStateMachine): Record<string, AnyActorLogic> {
  const inert = fromCallback(nothing);
  return Object.fromEntries(Object.keys(machine.implementations.actors).map((name) => [name, inert]));
}

function revivedSocket({ socket }: Plain): object {
  return socket === undefined || socket === null ? {} : { socket: { ...socket, close: nothing } };
}

function revivedError({ error }: Plain): object {
  return error === undefined ? {} : { error: new Error(String((error as { message?: unknown }).message)) };
}
