/**
 * What one pick costs by policy and size of the set: the policy alone, without a connection around it.
 *
 * Every backend has requests under way (a quarter below the bound on load), looked up in a map by target as the data plane does.
 * `consistent_hash` is asked for 50,000 keys again and again, whose owners it remembers by then, and for keys that it sees for
 * the first time. A change takes one backend away and brings it back in turn: the time is that of the pick after it, the
 * making of the set not counted.
 */
import { poolSpecSchema, type BackendSet, type PoolSpec } from '@muster/membership';
import { createSelectionPolicy, hashOfKey, type PickRequest } from '@muster/selection';
import { median } from '../figures/figures.ts';

const SIZES = [10, 1_000, 10_000];
const ROUNDS = 5;
const KEYS = Array.from({ length: 50_000 }, (_, index) => hashOfKey(`10.${index >> 8}.${index & 255}.7`));
const CHANGES = 200;
/** At a few nanoseconds each, a round takes about 0.1 s. */
const STEPS_PER_ROUND = 20_000_000;

interface Case {
  readonly label: string;
  readonly policy: PoolSpec['policy'];
  readonly weightOf: (index: number) => number;
  /** Steps that a pick is expected to take, by which picks are counted off. */
  readonly stepsOf: (size: number) => number;
  readonly hasFreshKeys?: true;
}

const equal = () => 1;
const different = (index: number) => 1 + (index % 5);
const few = () => 200;

const cases: readonly Case[] = [
  { label: 'round_robin, equal weights', policy: 'round_robin', weightOf: equal, stepsOf: few },
  { label: 'round_robin, weights 1 to 5', policy: 'round_robin', weightOf: different, stepsOf: (size) => size + 200 },
  { label: 'random, equal weights', policy: 'random', weightOf: equal, stepsOf: few },
  { label: 'random, weights 1 to 5', policy: 'random', weightOf: different, stepsOf: few },
  { label: 'least_requests, equal weights', policy: 'least_requests', weightOf: equal, stepsOf: few },
  { label: 'least_requests, weights 1 to 5', policy: 'least_requests', weightOf: different, stepsOf: few },
  { label: 'consistent_hash, known keys', policy: 'consistent_hash', weightOf: different, stepsOf: few },
  {
    label: 'consistent_hash, fresh keys',
    policy: 'consistent_hash',
    weightOf: different,
    stepsOf: (size) => 2 * size + 400,
    hasFreshKeys: true,
  },
];

export function printPolicyPicks(): void {
  const sizes = SIZES.map((size) => size.toLocaleString('en').padStart(9)).join('');
  console.log(`\n  ns per pick, by backends        ${sizes}      µs after a change ${sizes}`);
  for (const each of cases) {
    const picks = SIZES.map((size) => nanosecondsPerPick(each, size).toFixed(0).padStart(9)).join('');
    const changes = SIZES.map((size) => (nanosecondsPerChange(each, size) / 1e3).toFixed(1).padStart(9)).join('');
    console.log(`  ${each.label.padEnd(32)}${picks}${' '.repeat(24)}${each.hasFreshKeys === true ? '' : changes}`);
  }
}

function nanosecondsPerPick({ policy: name, weightOf, stepsOf, hasFreshKeys }: Case, size: number): number {
  const set = setOfSize(size, weightOf);
  const policy = createSelectionPolicy(name, { startOffset: 0 });
  const request = requestFor(set);
  const count = Math.round(STEPS_PER_ROUND / stepsOf(size));
  let turn = 0;
  const pickMany = () => {
    for (let index = 0; index < count; index++, turn++) {
      request.keyHash = hasFreshKeys === true ? Math.imul(turn, 0x9e3779b1) >>> 0 : KEYS[turn % KEYS.length]!;
      policy.pick(set, request);
    }
  };
  pickMany();
  return median(Array.from({ length: ROUNDS }, () => elapsedNs(pickMany) / count));
}

function nanosecondsPerChange({ policy: name, weightOf }: Case, size: number): number {
  const whole = setOfSize(size, weightOf);
  const policy = createSelectionPolicy(name, { startOffset: 0 });
  const request = requestFor(whole);
  const change = (index: number) => {
    const gone = whole.backends[(index * 7) % size];
    const set = index % 2 === 0 ? { ...whole, backends: whole.backends.filter((backend) => backend !== gone) } : whole;
    request.keyHash = KEYS[index % KEYS.length]!;
    return elapsedNs(() => policy.pick(set, request));
  };
  for (let index = 0; index < CHANGES; index++) change(index);
  return median(Array.from({ length: CHANGES }, (_, index) => change(index)));
}

function elapsedNs(work: () => void): number {
  const before = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - before);
}

function setOfSize(size: number, weightOf: (index: number) => number): BackendSet {
  const backends = Array.from({ length: size }, (_, index) => ({
    id: `b-${`${index}`.padStart(5, '0')}`,
    target: `10.2.${index >> 8}.${index & 255}:80`,
    weight: weightOf(index),
    isEligible: true,
  }));
  const origin = { rosterRevision: 1, madeMs: 0, pendingFacts: [] };
  return {
    pool: 'p',
    spec: poolSpecSchema.parse({}),
    revision: 1,
    backends,
    isPanic: false,
    steadyAtMs: null,
    ...origin,
  };
}

function requestFor({ backends }: BackendSet): { -readonly [Key in keyof PickRequest]: PickRequest[Key] } {
  const inFlightByTarget = new Map(backends.map(({ target, weight }) => [target, 4 * weight]));
  const inFlightTotal = [...inFlightByTarget.values()].reduce((sum, count) => sum + count, 0);
  return { isExcluded: null, keyHash: 0, inFlightOf: ({ target }) => inFlightByTarget.get(target) ?? 0, inFlightTotal };
}
