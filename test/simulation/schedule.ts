/**
 * A schedule: what happens in a run, step by step, made from one seed. Plain data, so that it can be printed, shortened and run
 * again; every part of it can be left out and the rest still makes sense.
 */
import type { CommandInput, MembershipEventInput } from '@muster/membership';
import {
  allTargets,
  BACKENDS,
  backendRegistered,
  LISTENER_SPECS,
  listenerDefined,
  POOL_SPECS,
  poolDefined,
  POOLS,
  targetOf,
} from './declared.ts';
import { Random } from './random.ts';
import { TARGET_STATES, type TargetState } from './targets.ts';

export type Action =
  /** Somebody publishes an event, once or (its answer was lost) twice under one id. */
  | { readonly kind: 'publish'; readonly entity: string; readonly event: MembershipEventInput | object; readonly times: 1 | 2 }
  /** Somebody asks a node to do something. */
  | { readonly kind: 'command'; readonly node: string; readonly command: CommandInput }
  | { readonly kind: 'crash'; readonly node: string; readonly what: 'control' | 'machine' }
  | { readonly kind: 'start'; readonly node: string }
  | { readonly kind: 'stop'; readonly node: string; readonly drainTimeoutMs: number }
  | { readonly kind: 'worker'; readonly node: string; readonly index: number; readonly what: 'kill' | 'stall' | 'resume' }
  /** A node's way to the journal. */
  | {
      readonly kind: 'path';
      readonly node: string;
      readonly state: 'whole' | 'cut' | 'silent';
      readonly answers: 'given' | 'lost' | 'unsent';
      readonly appendMs: number;
      readonly followMs: number;
    }
  /** Deleted and made again, the one before put back, or what lies before its snapshot removed. */
  | { readonly kind: 'journal'; readonly what: 'made-again' | 'put-back' | 'log-cut'; readonly isDeclared: boolean }
  /** A person tells a node to take the journal as it is. */
  | { readonly kind: 'adopt'; readonly node: string }
  | { readonly kind: 'wire'; readonly node: string; readonly state: 'whole' | 'cut' | 'swallowing' }
  /** What becomes of live words, on all wires. */
  | { readonly kind: 'words'; readonly delayMs: number; readonly lostRatio: number; readonly doubledRatio: number }
  /** A machine's wall clock is set. */
  | { readonly kind: 'clock'; readonly node: string; readonly byMs: number }
  | {
      readonly kind: 'target';
      readonly target: string;
      readonly state: TargetState;
      readonly dialMs: number;
      readonly answerMs: number;
      /** Its process died: open connections are reset. */
      readonly isReset: boolean;
    }
  | { readonly kind: 'reach'; readonly node: string; readonly target: string; readonly isReachable: boolean }
  /** A member of a pool with a lease, which sends heartbeats or has fallen silent. */
  | { readonly kind: 'member'; readonly pool: string; readonly target: string; readonly isSpeaking: boolean }
  /** Clients: how many of each ask, on all listeners of a node. */
  | { readonly kind: 'traffic'; readonly node: string; readonly gets: number; readonly posts: number; readonly relays: number }
  | { readonly kind: 'wait' };

export interface Step {
  readonly action: Action;
  /** Time that passes after it. */
  readonly thenMs: number;
}

export interface Schedule {
  readonly seed: number;
  readonly nodes: number;
  /** Of each node. */
  readonly workers: number;
  readonly steps: readonly Step[];
}

/** How often each thing happens, in relation to the others. */
const WEIGHTS: Record<Action['kind'], number> = {
  publish: 20,
  command: 8,
  crash: 6,
  start: 7,
  stop: 2,
  worker: 5,
  path: 14,
  journal: 3,
  adopt: 1,
  wire: 5,
  words: 4,
  clock: 3,
  target: 14,
  reach: 4,
  member: 4,
  traffic: 16,
  wait: 3,
};
const STEPS_MIN = 12;
const STEPS_MAX = 32;

export const nodeName = (index: number): string => `lb-${index + 1}`;

export function scheduleOf(seed: number): Schedule {
  const random = new Random(seed);
  const nodes = random.weighted({ 1: 2, 2: 3, 3: 5 });
  const head = { seed, nodes: Number(nodes), workers: random.between(1, 2) };
  const count = random.between(STEPS_MIN, STEPS_MAX);
  const steps = Array.from({ length: count }, () => stepOf(random, head));
  return { ...head, steps };
}

type Head = Pick<Schedule, 'nodes' | 'workers'>;

function stepOf(random: Random, head: Head): Step {
  return { action: ACTIONS[random.weighted(WEIGHTS)](random, head), thenMs: pauseOf(random) };
}

/** Mostly short, so that things coincide; now and then long enough for leases to run out. */
function pauseOf(random: Random): number {
  switch (random.weighted({ none: 5, moment: 4, second: 4, long: 1 })) {
    case 'none':
      return 0;
    case 'moment':
      return random.between(1, 9) * 100;
    case 'second':
      return random.between(10, 40) * 100;
    case 'long':
      return random.between(110, 140) * 100;
  }
}

const anyNode = (random: Random, { nodes }: Head): string => nodeName(random.between(0, nodes - 1));
const variantOf = (random: Random, variants: readonly object[]): number => random.between(0, variants.length - 1);

const ACTIONS: Record<Action['kind'], (random: Random, head: Head) => Action> = {
  publish: (random) => {
    const [entity, event] = publication(random);
    return { kind: 'publish', entity, event, times: random.chance(0.15) ? 2 : 1 };
  },
  command: (random, head) => ({ kind: 'command', node: anyNode(random, head), command: commandOf(random) }),
  crash: (random, head) => ({
    kind: 'crash',
    node: anyNode(random, head),
    what: random.pick(['control', 'machine']),
  }),
  start: (random, head) => ({ kind: 'start', node: anyNode(random, head) }),
  stop: (random, head) => ({ kind: 'stop', node: anyNode(random, head), drainTimeoutMs: random.pick([0, 1_000, 5_000]) }),
  worker: (random, head) => ({
    kind: 'worker',
    node: anyNode(random, head),
    index: random.between(0, head.workers - 1),
    what: random.pick(['kill', 'stall', 'resume']),
  }),
  path: (random, head) => ({
    kind: 'path',
    node: anyNode(random, head),
    state: random.weighted({ whole: 6, cut: 4, silent: 2 }),
    answers: random.weighted({ given: 6, lost: 2, unsent: 1 }),
    appendMs: random.pick([0, 0, 100, 600]),
    followMs: random.pick([0, 0, 100, 700]),
  }),
  journal: (random) => ({
    kind: 'journal',
    what: random.weighted({ 'made-again': 3, 'put-back': 1, 'log-cut': 2 }),
    isDeclared: random.chance(0.7),
  }),
  adopt: (random, head) => ({ kind: 'adopt', node: anyNode(random, head) }),
  wire: (random, head) => ({
    kind: 'wire',
    node: anyNode(random, head),
    state: random.pick(['whole', 'cut', 'swallowing']),
  }),
  words: (random) => ({
    kind: 'words',
    delayMs: random.pick([0, 0, 200, 1_000]),
    lostRatio: random.pick([0, 0, 0.2, 0.7]),
    doubledRatio: random.pick([0, 0.3]),
  }),
  clock: (random, head) => ({
    kind: 'clock',
    node: anyNode(random, head),
    byMs: random.pick([-3_600_000, -30_000, -1_000, 1_000, 30_000, 86_400_000]),
  }),
  target: (random) => ({
    kind: 'target',
    target: random.pick(allTargets()),
    state: random.chance(0.4) ? 'answering' : random.pick(TARGET_STATES),
    dialMs: random.pick([0, 0, 0, 300]),
    answerMs: random.pick([0, 0, 0, 500, 2_500]),
    isReset: random.chance(0.3),
  }),
  reach: (random, head) => ({
    kind: 'reach',
    node: anyNode(random, head),
    target: random.pick(allTargets()),
    isReachable: random.chance(0.5),
  }),
  member: (random) => {
    const pool = random.pick(POOLS);
    return { kind: 'member', pool, target: `10.1.${POOLS.indexOf(pool)}.1:80`, isSpeaking: random.chance(0.6) };
  },
  traffic: (random, head) => ({
    kind: 'traffic',
    node: anyNode(random, head),
    gets: random.between(0, 3),
    posts: random.between(0, 3),
    relays: random.between(0, 2),
  }),
  wait: () => ({ kind: 'wait' }),
};

function publication(random: Random): readonly [string, MembershipEventInput | object] {
  const pool = random.pick(POOLS);
  const backend = random.pick(BACKENDS);
  const entity = `backend.${pool}.${backend}`;
  switch (random.weighted({ register: 8, deregister: 5, mode: 5, pool: 3, unpool: 1, listen: 3, unlisten: 1, junk: 2 })) {
    case 'register':
      return backendRegistered(pool, backend, random.between(0, 1));
    case 'deregister':
      return [entity, { type: 'BackendDeregistered' }];
    case 'mode':
      return [entity, { type: 'BackendModeSet', mode: random.pick(['ready', 'ready', 'drain', 'maint']) }];
    case 'pool':
      return poolDefined(pool, variantOf(random, POOL_SPECS[pool]));
    case 'unpool':
      return [`pool.${pool}`, { type: 'PoolRemoved' }];
    case 'listen':
      return listenerDefined(pool, variantOf(random, LISTENER_SPECS[pool]));
    case 'unlisten':
      return [`listener.${pool}`, { type: 'ListenerRemoved' }];
    case 'junk':
      return [random.pick([entity, `pool.${pool}`, 'nonsense']), random.pick([{}, { type: 'BackendTeleported' }, []])];
  }
}

function commandOf(random: Random): CommandInput {
  const pool = random.pick(POOLS);
  const backend = random.pick(BACKENDS);
  switch (random.weighted({ register: 4, mode: 4, deregister: 2 })) {
    case 'register':
      return { type: 'RegisterBackend', pool, backend, target: targetOf(pool, backend, random.between(0, 1)) };
    case 'mode':
      return { type: 'SetBackendMode', pool, backend, mode: random.pick(['ready', 'drain', 'maint']) };
    case 'deregister':
      return { type: 'DeregisterBackend', pool, backend };
  }
}
