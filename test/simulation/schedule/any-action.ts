/**
 * One thing that may happen at any time, by chance. How often each does is in `WEIGHTS`; what belongs together, because it hurts only
 * together, is in `episodes.ts`.
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
import type { Random } from './random.ts';
import { MEMBERS, nodeName, TARGET_STATES, type Action, type Schedule } from './schedule.ts';

export type Head = Pick<Schedule, 'nodes' | 'workers'>;

/** How often each thing happens, in relation to the others. */
const WEIGHTS: Record<Action['kind'], number> = {
  publish: 20,
  command: 8,
  crash: 5,
  start: 6,
  stop: 2,
  worker: 5,
  path: 14,
  server: 3,
  twin: 3,
  journal: 4,
  adopt: 1,
  wire: 5,
  route: 3,
  words: 4,
  clock: 3,
  'stand-still': 2,
  hindrance: 4,
  'false-voice': 1,
  target: 12,
  reach: 4,
  member: 4,
  traffic: 14,
  wait: 3,
};

export function anyAction(random: Random, head: Head): Action {
  return ACTIONS[random.weighted(WEIGHTS)](random, head);
}

/** Mostly short, so that things coincide; now and then long enough for leases to run out. */
export function pauseOf(random: Random): number {
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

export const anyNode = (random: Random, { nodes }: Head): string => nodeName(random.between(0, nodes - 1));
/** Mostly of those that are there from the beginning. */
export function anyTarget(random: Random): string {
  if (random.chance(0.3)) return random.pick(allTargets());
  return targetOf(random.pick(POOLS), random.pick(BACKENDS), 0);
}

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
    what: random.weighted({ control: 5, machine: 4, disk: 1 }),
  }),
  twin: (random, head) => ({
    kind: 'twin',
    node: anyNode(random, head),
    what: random.weighted({ start: 3, kill: 2 }),
  }),
  server: (random, head) => ({ kind: 'server', node: anyNode(random, head), isAlone: random.chance(0.6) }),
  start: (random, head) => ({ kind: 'start', node: anyNode(random, head) }),
  stop: (random, head) => ({
    kind: 'stop',
    node: anyNode(random, head),
    drainTimeoutMs: random.pick([0, 1_000, 5_000]),
  }),
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
    what: random.weighted({
      'made-again': 3,
      'made-poor': 2,
      gone: 2,
      'put-back': 2,
      'log-cut': 2,
      'snapshot-damaged': 1,
      edited: 1,
    }),
    isDeclared: random.chance(0.7),
  }),
  adopt: (random, head) => ({ kind: 'adopt', node: anyNode(random, head) }),
  wire: (random, head) => ({
    kind: 'wire',
    node: anyNode(random, head),
    state: random.pick(['whole', 'cut', 'swallowing']),
  }),
  route: (random, head) => ({
    kind: 'route',
    from: random.chance(0.5) ? MEMBERS : anyNode(random, head),
    to: anyNode(random, head),
    isCut: random.chance(0.5),
  }),
  words: (random) => ({
    kind: 'words',
    delayMs: random.pick([0, 0, 200, 1_000]),
    lostRatio: random.pick([0, 0, 0.2, 0.7]),
    doubledRatio: random.pick([0, 0.3]),
  }),
  'stand-still': (random) => ({ kind: 'stand-still', durationMs: random.pick([700, 3_000, 15_000]) }),
  'false-voice': () => ({ kind: 'false-voice' }),
  hindrance: (random, head) => ({
    kind: 'hindrance',
    node: anyNode(random, head),
    isDiskFull: random.chance(0.5),
    takenBind: random.chance(0.5) ? random.pick(Object.values(LISTENER_SPECS).flat()).bind : null,
  }),
  clock: (random, head) => ({
    kind: 'clock',
    node: anyNode(random, head),
    byMs: random.pick([-3_600_000, -30_000, -1_000, 1_000, 30_000, 86_400_000]),
  }),
  target: (random) => ({
    kind: 'target',
    target: anyTarget(random),
    state: random.chance(0.4) ? 'answering' : random.pick(TARGET_STATES),
    dialMs: random.pick([0, 0, 0, 300]),
    answerMs: random.pick([0, 0, 0, 500, 2_500]),
    isReset: random.chance(0.3),
  }),
  reach: (random, head) => ({
    kind: 'reach',
    node: anyNode(random, head),
    target: anyTarget(random),
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

export function publication(random: Random): readonly [string, MembershipEventInput | object] {
  const pool = random.pick(POOLS);
  const backend = random.pick(BACKENDS);
  const entity = `backend.${pool}.${backend}`;
  switch (
    random.weighted({ register: 8, deregister: 5, mode: 5, pool: 3, unpool: 1, listen: 3, unlisten: 1, junk: 2 })
  ) {
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
  switch (random.weighted({ register: 4, mode: 4, deregister: 2, pool: 2, unpool: 1, listener: 2 })) {
    case 'pool':
      return { type: 'DefinePool', pool, ...random.pick(POOL_SPECS[pool]) };
    case 'unpool':
      return { type: 'RemovePool', pool };
    case 'listener':
      return { type: 'DefineListener', listener: pool, ...random.pick(LISTENER_SPECS[pool]) };
    case 'register':
      return { type: 'RegisterBackend', pool, backend, target: targetOf(pool, backend, random.between(0, 1)) };
    case 'mode':
      return { type: 'SetBackendMode', pool, backend, mode: random.pick(['ready', 'drain', 'maint']) };
    case 'deregister':
      return { type: 'DeregisterBackend', pool, backend };
  }
}
