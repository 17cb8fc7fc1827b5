/**
 * Episodes: things that hurt only together, or only in this order. Each is a few steps with chance in them; between its steps
 * nothing else happens, but it may fall into whatever was broken before.
 */
import type { MembershipEventInput } from '@muster/membership';
import { anyAction, anyNode, anyTarget, pauseOf, publication, type Head } from './any-action.ts';
import { BACKENDS, backendRegistered, POOLS, targetOf } from './declared.ts';
import type { Random } from './random.ts';
import { MEMBERS, nodeName, type Action, type Step, type TargetState } from './schedule.ts';

type Episode = (random: Random, head: Head) => Step[];

const WHOLE = { state: 'whole', answers: 'given', appendMs: 0, followMs: 0 } as const;

function becomes(
  target: string,
  state: TargetState,
  change: Partial<Extract<Action, { kind: 'target' }>> = {},
): Action {
  return { kind: 'target', target, state, dialMs: 0, answerMs: 0, isReset: false, ...change };
}

function trafficOn(node: string, random: Random): Action {
  return {
    kind: 'traffic',
    node,
    gets: random.between(1, 4),
    posts: random.between(1, 4),
    relays: random.between(0, 2),
  };
}

/** A backend that comes and goes faster than it is judged. */
const flapping: Episode = (random) => {
  const target = anyTarget(random);
  return Array.from({ length: random.between(3, 6) }, (_, index) => ({
    action: becomes(target, index % 2 === 0 ? random.pick(['refusing', 'failing', 'silent']) : 'answering'),
    thenMs: random.between(2, 25) * 100,
  }));
};

/** A backend that fails live traffic, and is ejected if the pool says so. */
const failingUnderLoad: Episode = (random, head) => {
  const node = anyNode(random, head);
  const target = anyTarget(random);
  return [
    { action: becomes(target, random.pick(['failing', 'dropping', 'refusing'])), thenMs: 0 },
    ...Array.from({ length: random.between(2, 3) }, () => ({
      action: trafficOn(node, random),
      thenMs: random.pick([0, 200, 1_000]),
    })),
    { action: becomes(target, 'answering'), thenMs: pauseOf(random) },
  ];
};

/** Connections are kept alive, and the next requests find their ends gone. */
const keptAliveAndGone: Episode = (random, head) => {
  const node = anyNode(random, head);
  const target = anyTarget(random);
  return [
    { action: trafficOn(node, random), thenMs: 0 },
    { action: becomes(target, 'dropping', { answerMs: random.pick([0, 300]) }), thenMs: 0 },
    { action: trafficOn(node, random), thenMs: random.pick([0, 100]) },
    { action: becomes(target, 'refusing', { isReset: true }), thenMs: pauseOf(random) },
    { action: becomes(target, 'answering'), thenMs: 0 },
  ];
};

/** A target leaves its pool while it is dialled, or has connections. */
const leavingUnderLoad: Episode = (random, head) => {
  const pool = random.pick(POOLS);
  const backend = random.pick(BACKENDS);
  const leaving: readonly [string, MembershipEventInput] = random.pick([
    [`backend.${pool}.${backend}`, { type: 'BackendDeregistered' }],
    backendRegistered(pool, backend, 1),
    [`pool.${pool}`, { type: 'PoolRemoved' }],
    [`backend.${pool}.${backend}`, { type: 'BackendModeSet', mode: random.pick(['drain', 'maint']) }],
  ]);
  const slow = { dialMs: random.pick([0, 300]), answerMs: random.pick([0, 700]) };
  return [
    { action: becomes(targetOf(pool, backend, 0), 'answering', slow), thenMs: 0 },
    { action: trafficOn(anyNode(random, head), random), thenMs: random.pick([0, 100, 200]) },
    {
      action: { kind: 'publish', entity: leaving[0], event: leaving[1], times: 1 },
      thenMs: random.pick([0, 100, 3_000]),
    },
    { action: trafficOn(anyNode(random, head), random), thenMs: pauseOf(random) },
  ];
};

/** The journal is away for everybody, or its answers are lost, while things change; then it is back. */
const outage: Episode = (random, head) => {
  const nodes = Array.from({ length: head.nodes }, (_, index) => nodeName(index));
  const fault = random.pick([
    { state: 'cut' },
    { state: 'silent' },
    { answers: 'lost' },
    { answers: 'unsent' },
    { appendMs: 600 },
  ] as const);
  const between = Array.from({ length: random.between(2, 5) }, () => ({
    action: random.chance(0.4)
      ? becomes(anyTarget(random), random.pick(['refusing', 'answering']))
      : anyAction(random, head),
    thenMs: random.between(0, 30) * 100,
  }));
  return [
    ...nodes.map((node): Step => ({ action: { kind: 'path', node, ...WHOLE, ...fault }, thenMs: 0 })),
    ...between,
    ...nodes.map((node): Step => ({ action: { kind: 'path', node, ...WHOLE }, thenMs: random.pick([0, 0, 300]) })),
  ];
};

/** The journal is deleted and made again while a node is away, down, or in the middle of something. */
const anotherHistory: Episode = (random, head) => {
  const node = anyNode(random, head);
  const isDeclared = random.chance(0.7);
  const [entity, event] = publication(random);
  return [
    {
      action: { kind: 'path', node, ...WHOLE, state: random.pick(['whole', 'cut', 'silent']) },
      thenMs: random.pick([0, 500]),
    },
    { action: becomes(anyTarget(random), 'refusing'), thenMs: random.pick([0, 2_500]) },
    { action: { kind: 'journal', what: 'made-again', isDeclared }, thenMs: pauseOf(random) },
    { action: { kind: 'publish', entity, event, times: 1 }, thenMs: pauseOf(random) },
    { action: random.chance(0.5) ? { kind: 'journal', what: 'put-back', isDeclared } : { kind: 'wait' }, thenMs: 0 },
    { action: { kind: 'path', node, ...WHOLE }, thenMs: pauseOf(random) },
  ];
};

/** What a node appended comes back late, or unacknowledged, while it has found something else already. */
const lateEchoes: Episode = (random, head) => {
  const node = anyNode(random, head);
  const target = targetOf(random.pick(['web', 'api']), random.pick(BACKENDS), 0);
  const slow = { appendMs: random.pick([0, 600, 1_400]), followMs: random.pick([0, 700, 2_000]) };
  const flips = Array.from({ length: random.between(3, 6) }, (_, index): Step => ({
    action: becomes(target, index % 2 === 0 ? 'refusing' : 'answering'),
    thenMs: random.between(2, 15) * 100,
  }));
  const isReplaced = random.chance(0.3);
  return [
    {
      action: { kind: 'path', node, ...WHOLE, ...slow, answers: random.pick(['given', 'lost', 'lost', 'unsent']) },
      thenMs: 0,
    },
    ...flips.slice(0, -2),
    { action: isReplaced ? { kind: 'journal', what: 'made-again', isDeclared: true } : { kind: 'wait' }, thenMs: 0 },
    ...flips.slice(-2),
    { action: { kind: 'path', node, ...WHOLE, followMs: random.pick([0, 700]) }, thenMs: pauseOf(random) },
  ];
};

/** A worker stands still while the roster goes on, or becomes another. */
const stalledWorker: Episode = (random, head) => {
  const node = anyNode(random, head);
  const worker = { kind: 'worker', node, index: random.between(0, head.workers - 1) } as const;
  const changes = Array.from({ length: random.between(1, 3) }, (): Step => {
    const [entity, event] = publication(random);
    return { action: { kind: 'publish', entity, event, times: 1 }, thenMs: random.pick([0, 100]) };
  });
  const isReplaced = random.chance(0.5);
  return [
    { action: { ...worker, what: 'stall' }, thenMs: 0 },
    ...changes,
    { action: becomes(anyTarget(random), random.pick(['refusing', 'answering'])), thenMs: random.pick([0, 1_000]) },
    {
      action: isReplaced ? { kind: 'journal', what: 'made-again', isDeclared: true } : { kind: 'wait' },
      thenMs: random.pick([0, 300]),
    },
    ...changes.slice(0, 1),
    { action: trafficOn(node, random), thenMs: 0 },
    { action: { ...worker, what: 'resume' }, thenMs: pauseOf(random) },
  ];
};

/** Somebody says that the roster is another: nodes build theirs anew, while it goes on. */
const falseVoice: Episode = (random, head) =>
  Array.from({ length: random.between(3, 7) }, (): Step[] => {
    const [entity, event] = publication(random);
    const isChanging = random.chance(0.6);
    return [
      { action: { kind: 'false-voice' }, thenMs: random.pick([0, 400, 900]) },
      {
        action: isChanging ? { kind: 'publish', entity, event, times: 1 } : anyAction(random, head),
        thenMs: random.pick([0, 300]),
      },
    ];
  }).flat();

/** What a node has to read next was removed meanwhile. */
const cutBehind: Episode = (random, head) => {
  const node = anyNode(random, head);
  const changes = Array.from({ length: random.between(1, 4) }, (): Step => {
    const [entity, event] = publication(random);
    return { action: { kind: 'publish', entity, event, times: 1 }, thenMs: 0 };
  });
  const isDown = random.chance(0.4);
  return [
    {
      action: isDown ? { kind: 'crash', node, what: 'control' } : { kind: 'path', node, ...WHOLE, state: 'cut' },
      thenMs: 300,
    },
    ...changes,
    { action: { kind: 'journal', what: 'log-cut', isDeclared: false }, thenMs: 0 },
    ...changes.slice(1),
    { action: isDown ? { kind: 'start', node } : { kind: 'path', node, ...WHOLE }, thenMs: pauseOf(random) },
  ];
};

/** A node is killed and is back at once, more than once, with traffic on it. */
const killedAgain: Episode = (random, head) => {
  const node = anyNode(random, head);
  return Array.from({ length: random.between(1, 3) }, (): Step[] => [
    { action: trafficOn(node, random), thenMs: random.pick([0, 100, 1_000]) },
    {
      action: { kind: 'crash', node, what: random.pick(['control', 'machine']) },
      thenMs: random.pick([0, 100, 2_000]),
    },
    { action: { kind: 'start', node }, thenMs: random.pick([0, 100, 700, 2_500]) },
  ]).flat();
};

/** A node's server is cut off with it, while members and other nodes go on speaking, and then it is not. */
const aloneForALease: Episode = (random, head) => {
  const node = anyNode(random, head);
  const pool = random.pick(POOLS);
  const member: Action = { kind: 'member', pool, target: `10.1.${POOLS.indexOf(pool)}.1:80`, isSpeaking: true };
  const [entity, event] = publication(random);
  return [
    { action: member, thenMs: random.pick([0, 2_500]) },
    { action: { kind: 'server', node, isAlone: true }, thenMs: random.pick([500, 4_000, 8_000]) },
    { action: { kind: 'publish', entity, event, times: 1 }, thenMs: random.pick([0, 3_000, 7_000]) },
    { action: { kind: 'server', node, isAlone: false }, thenMs: random.pick([0, 2_000]) },
    { action: random.chance(0.3) ? { ...member, isSpeaking: false } : { kind: 'wait' }, thenMs: pauseOf(random) },
  ];
};

/** One of three routes is cut: a node does not hear members, or another node, or both, and hears the leader all the time. */
const routeCutForALease: Episode = (random, head) => {
  const node = anyNode(random, head);
  const other = anyNode(random, head);
  const pool = random.pick(POOLS);
  const member: Action = { kind: 'member', pool, target: `10.1.${POOLS.indexOf(pool)}.1:80`, isSpeaking: true };
  const beyond = random.pick([[MEMBERS], [other], [MEMBERS, other]]);
  const isBothWays = random.chance(0.6);
  const becoming = (isCut: boolean): Step[] => {
    const step = (from: string, to: string): Step => ({ action: { kind: 'route', from, to, isCut }, thenMs: 0 });
    const back = isBothWays && beyond.includes(other) ? [step(node, other)] : [];
    return [...beyond.map((from) => step(from, node)), ...back];
  };
  return [
    { action: member, thenMs: random.pick([0, 2_500]) },
    ...becoming(true),
    { action: { kind: 'wait' }, thenMs: random.pick([4_000, 8_000, 14_000]) },
    { action: random.chance(0.3) ? { ...member, isSpeaking: false } : { kind: 'wait' }, thenMs: pauseOf(random) },
    { action: random.chance(0.3) ? anyAction(random, head) : { kind: 'wait' }, thenMs: random.pick([0, 8_000]) },
    ...becoming(false),
  ];
};

/** A second machine is given a node's id, while targets come and go, and one of the two is gone at some time. */
const secondMachine: Episode = (random, head) => {
  const node = anyNode(random, head);
  const target = anyTarget(random);
  const isFirstGone = random.chance(0.4);
  return [
    { action: { kind: 'twin', node, what: 'start' }, thenMs: random.pick([0, 500, 3_000, 7_000]) },
    { action: becomes(target, 'refusing'), thenMs: random.pick([0, 1_500, 4_000]) },
    {
      action: isFirstGone ? { kind: 'crash', node, what: random.pick(['control', 'machine']) } : { kind: 'wait' },
      thenMs: random.pick([100, 4_000, 7_500]),
    },
    { action: becomes(target, 'answering'), thenMs: random.pick([0, 1_500]) },
    { action: { kind: 'start', node }, thenMs: random.pick([500, 4_000, 9_000]) },
    { action: { kind: 'twin', node, what: random.pick(['kill', 'start']) }, thenMs: pauseOf(random) },
  ];
};

/** The log is purged under running nodes, which have some seconds, and then machines are replaced. */
const purged: Episode = (random, head) => [
  { action: { kind: 'journal', what: 'purged', isDeclared: false }, thenMs: random.pick([3_500, 6_000]) },
  { action: { kind: 'crash', node: anyNode(random, head), what: random.pick(['machine', 'disk']) }, thenMs: 300 },
  { action: { kind: 'start', node: anyNode(random, head) }, thenMs: pauseOf(random) },
];

/** The stream is deleted, and a machine without memory is there when somebody makes it again who knows of little. */
const withoutMemory: Episode = (random, head) => {
  const node = anyNode(random, head);
  return [
    { action: { kind: 'journal', what: 'gone', isDeclared: false }, thenMs: random.pick([0, 2_000]) },
    { action: { kind: 'crash', node, what: 'disk' }, thenMs: random.pick([0, 500]) },
    { action: { kind: 'start', node }, thenMs: random.pick([0, 3_000]) },
    {
      action: { kind: 'journal', what: random.weighted({ 'made-poor': 3, 'put-back': 1 }), isDeclared: false },
      thenMs: random.pick([500, 5_000]),
    },
    {
      action: random.chance(0.5) ? { kind: 'adopt', node: anyNode(random, head) } : { kind: 'wait' },
      thenMs: pauseOf(random),
    },
  ];
};

export const EPISODES: readonly Episode[] = [
  flapping,
  failingUnderLoad,
  keptAliveAndGone,
  leavingUnderLoad,
  outage,
  anotherHistory,
  lateEchoes,
  lateEchoes,
  stalledWorker,
  falseVoice,
  cutBehind,
  killedAgain,
  aloneForALease,
  aloneForALease,
  routeCutForALease,
  secondMachine,
  purged,
  withoutMemory,
];
