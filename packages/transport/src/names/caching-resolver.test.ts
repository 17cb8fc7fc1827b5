/** What is used for how long, who is asked how often, and what becomes of a name that fails; on a clock that the tests turn. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../testing/index.ts';
import { CachingResolver } from './caching-resolver.ts';
import { STALE_WAIT_MS } from './name-entry.ts';
import type { Resolution } from './name-resolver.ts';
import type { NameAnswer } from './name-source.ts';
import { RESOLVER_DEFAULTS, RESOLVER_LIMITS, type ResolverSettings } from './resolver-settings.ts';

const { minTtlMs, maxTtlMs, negativeTtlMs, staleMs } = RESOLVER_DEFAULTS;

const found = (...addresses: string[]): NameAnswer => ({
  outcome: 'found',
  addresses,
  ttlMs: 60_000,
  unknownFamily: null,
});
const FAILED: NameAnswer = { outcome: 'failed', code: 'ESERVFAIL' };
const NONE: NameAnswer = { outcome: 'none', code: 'ENOTFOUND' };

/** A resolver whose questions the test answers. */
function resolverOf(settings: Partial<ResolverSettings> = {}) {
  const clock = new ManualClock();
  const asked: { name: string; answer: (answer: NameAnswer, isFinal?: boolean) => void }[] = [];
  const told: string[] = [];
  const resolver = new CachingResolver({
    settings: { ...RESOLVER_DEFAULTS, ...settings },
    source: {
      close: () => undefined,
      ask: (name, onAnswer) => void asked.push({ name, answer: (answer, isFinal = true) => onAnswer(answer, isFinal) }),
    },
    clock,
    onOutage: ({ name, code, isStale }) => told.push(`${name} ${code}${isStale ? ' stale' : ''}`),
    onRecovered: (name, lastedMs) => told.push(`${name} recovered after ${lastedMs}`),
  });
  /** Answers the oldest question that is open. */
  const answer = (...given: [NameAnswer, boolean?]) =>
    asked[given[1] === false ? 0 : asked.length - 1]!.answer(...given);
  const waited = (name: string) => {
    const resolutions: Resolution[] = [];
    resolver.wait(name, (resolution) => resolutions.push(resolution));
    return resolutions;
  };
  return { clock, asked, told, resolver, answer, waited };
}

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));
const using = (...addresses: string[]): Resolution => ({ ok: true, addresses });

describe('an address', () => {
  test('is asked for once, however many wait for it, and used for its TTL', () => {
    const { clock, asked, resolver, answer, waited } = resolverOf();
    expect(resolver.known('a.test')).toBeNull();
    const waits = [waited('a.test'), waited('A.test')];
    expect(asked.map(({ name }) => name)).toEqual(['a.test']);
    answer(found('192.0.2.1'));
    expect(waits).toEqual([[using('192.0.2.1')], [using('192.0.2.1')]]);
    clock.advance(59_999);
    expect(resolver.known('a.test')).toEqual(using('192.0.2.1'));
    expect(asked).toHaveLength(1);
    clock.advance(1);
    expect(resolver.known('a.test')).toBeNull();
    expect(asked).toHaveLength(2);
    answer(found('192.0.2.2'));
    expect(resolver.known('a.test')).toEqual(using('192.0.2.2'));
  });

  test.each([
    [0, minTtlMs],
    [minTtlMs + 1, minTtlMs + 1],
    [maxTtlMs + 1, maxTtlMs],
    [Number.MAX_SAFE_INTEGER, maxTtlMs],
  ])('with a TTL of %i ms is used for %i ms', (ttlMs, usedMs) => {
    const { clock, resolver, answer } = resolverOf();
    resolver.known('a.test');
    answer({ outcome: 'found', addresses: ['192.0.2.1'], ttlMs, unknownFamily: null });
    clock.advance(usedMs - 1);
    expect(resolver.known('a.test')).not.toBeNull();
    clock.advance(1);
    expect(resolver.known('a.test')).toBeNull();
  });

  test('whose TTL is over is used where the newer one does not come in time', () => {
    const { clock, resolver, answer, waited } = resolverOf();
    resolver.known('a.test');
    answer(found('192.0.2.1'));
    clock.advance(60_000);
    const wait = waited('a.test');
    clock.advance(STALE_WAIT_MS - 1);
    expect(wait).toEqual([]);
    clock.advance(1);
    expect(wait).toEqual([using('192.0.2.1')]);
    expect(resolver.known('a.test'), 'who comes later does not wait').toEqual(using('192.0.2.1'));
    expect(resolver.stats().staleAnswers).toBe(2);
    answer(found('192.0.2.2'));
    expect(resolver.known('a.test')).toEqual(using('192.0.2.2'));
  });

  test('of a family that was not answered for is kept', () => {
    const { clock, resolver, answer } = resolverOf();
    resolver.known('a.test');
    answer(found('2001:db8::1', '192.0.2.1'));
    clock.advance(60_000);
    resolver.known('a.test');
    answer({ outcome: 'found', addresses: ['192.0.2.2'], ttlMs: 1, unknownFamily: 6 });
    expect(resolver.known('a.test')).toEqual(using('192.0.2.2', '2001:db8::1'));
  });

  test('that came early is used while the other family is awaited', () => {
    const { asked, resolver, waited } = resolverOf();
    const wait = waited('a.test');
    asked[0]!.answer({ outcome: 'found', addresses: ['192.0.2.1'], ttlMs: 60_000, unknownFamily: 6 }, false);
    expect(wait).toEqual([using('192.0.2.1')]);
    asked[0]!.answer(found('2001:db8::1', '192.0.2.1'), true);
    expect(resolver.known('a.test')).toEqual(using('2001:db8::1', '192.0.2.1'));
    expect(asked).toHaveLength(1);
  });
});

describe('a name that fails', () => {
  test('keeps its last address for as long as is set, and is told of once', () => {
    const { clock, told, resolver, answer } = resolverOf();
    resolver.known('a.test');
    answer(found('192.0.2.1'));
    clock.advance(60_000);
    resolver.known('a.test');
    answer(FAILED);
    for (let passedMs = 0; passedMs < staleMs - 10_000; passedMs += 10_000) {
      expect(resolver.known('a.test')).toEqual(using('192.0.2.1'));
      clock.advance(10_000);
      resolver.known('a.test');
      answer(FAILED);
    }
    clock.advance(10_000);
    expect(resolver.known('a.test')).not.toEqual(using('192.0.2.1'));
    expect(told).toEqual(['a.test ESERVFAIL stale']);
    answer(found('192.0.2.1'));
    expect(told[1]).toMatch(/^a\.test recovered after/);
  });

  test('fails at once until it is asked for again, with longer pauses each time', async () => {
    const { clock, asked, resolver, answer, waited } = resolverOf();
    const pauses: number[] = [];
    for (let round = 0; round < 6; round++) {
      expect(resolver.known('a.test')).toBeNull();
      const questions = asked.length;
      answer(FAILED);
      const wait = waited('a.test');
      await nextTick();
      expect(wait).toEqual([{ ok: false, code: 'ESERVFAIL' }]);
      let pauseMs = 0;
      while (asked.length === questions) {
        clock.advance(100);
        pauseMs += 100;
        resolver.known('a.test');
      }
      pauses.push(pauseMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test('and is said not to exist keeps its address until it is said twice', () => {
    const { clock, resolver, answer } = resolverOf();
    resolver.known('a.test');
    answer(found('192.0.2.1'));
    clock.advance(60_000);
    resolver.known('a.test');
    answer(NONE);
    expect(resolver.known('a.test')).toEqual(using('192.0.2.1'));
    clock.advance(negativeTtlMs);
    resolver.known('a.test');
    answer(NONE);
    expect(resolver.known('a.test')).toEqual({ ok: false, code: 'ENOTFOUND' });
    clock.advance(negativeTtlMs - 1);
    expect(resolver.known('a.test')).toEqual({ ok: false, code: 'ENOTFOUND' });
    clock.advance(1);
    expect(resolver.known('a.test')).toBeNull();
  });

  test('is among those that are told of, with how long it has failed and what is used meanwhile', () => {
    const { clock, resolver, answer } = resolverOf();
    resolver.known('a.test');
    answer(found('192.0.2.1'));
    clock.advance(60_000);
    resolver.known('a.test');
    answer(FAILED);
    clock.advance(500);
    resolver.known('b.test');
    answer(NONE);
    clock.advance(100);
    expect(resolver.stats()).toMatchObject({
      namesFailing: 2,
      failing: [
        { name: 'a.test', code: 'ESERVFAIL', lastsMs: 600, isStale: true },
        { name: 'b.test', code: 'ENOTFOUND', lastsMs: 100, isStale: false },
      ],
    });
    clock.advance(10_000);
    resolver.known('a.test');
    answer(found('192.0.2.1'));
    expect(resolver.stats().failing.map(({ name }) => name)).toEqual(['b.test']);
  });

  test('without stale answers fails when its TTL is over', () => {
    const { clock, resolver, answer } = resolverOf({ staleMs: 0 });
    resolver.known('a.test');
    answer(found('192.0.2.1'));
    clock.advance(60_000);
    expect(resolver.known('a.test')).toBeNull();
    answer(FAILED);
    expect(resolver.known('a.test')).toEqual({ ok: false, code: 'ESERVFAIL' });
  });
});

describe('limits', () => {
  test('a name that is silent holds nobody else up; so many are asked for at a time, and the others take turns', () => {
    const { asked, waited, resolver } = resolverOf();
    for (let index = 0; index < RESOLVER_LIMITS.questions + 2; index++) waited(`n-${index}.test`);
    expect(asked).toHaveLength(RESOLVER_LIMITS.questions);
    asked[7]!.answer(found('192.0.2.7'));
    expect(asked.map(({ name }) => name).at(-1)).toBe(`n-${RESOLVER_LIMITS.questions}.test`);
    expect(resolver.known('n-7.test')).toEqual(using('192.0.2.7'));
    expect(resolver.stats()).toMatchObject({ waits: RESOLVER_LIMITS.questions + 1, answers: { found: 1 } });
  });

  test('so many dials wait for one name; a further one is turned away', async () => {
    const { resolver, waited, answer } = resolverOf();
    const waits = Array.from({ length: RESOLVER_LIMITS.waitsPerName }, () => waited('a.test'));
    const turnedAway = waited('a.test');
    expect(turnedAway, 'never within the call').toEqual([]);
    await nextTick();
    expect(turnedAway).toEqual([{ ok: false, code: 'NAME_BUSY' }]);
    answer(found('192.0.2.1'));
    expect(waits.every((wait) => wait.length === 1)).toBe(true);
    expect(resolver.stats()).toMatchObject({ waits: 0, busy: 1 });
  });

  test('the name that was used longest ago is forgotten, and none that is in use', () => {
    const { resolver, asked, answer } = resolverOf();
    const watch = resolver.watch('watched.test', { isNeeded: () => true, onChanged: () => undefined });
    resolver.known('watched.test');
    answer(found('192.0.2.1'));
    for (let index = 0; index < RESOLVER_LIMITS.names + 3; index++) {
      resolver.known(`n-${index}.test`);
      answer(found('192.0.2.1'));
    }
    expect(resolver.stats().names).toBe(RESOLVER_LIMITS.names);
    const questions = asked.length;
    resolver.known('watched.test');
    expect(asked).toHaveLength(questions);
    resolver.known('n-0.test');
    expect(asked).toHaveLength(questions + 1);
    watch.close();
  });

  test('who closes its wait is told nothing', () => {
    const { resolver, answer } = resolverOf();
    const told: Resolution[] = [];
    resolver.wait('a.test', (resolution) => told.push(resolution)).close();
    answer(found('192.0.2.1'));
    expect(told).toEqual([]);
    expect(resolver.stats().waits).toBe(0);
  });
});

describe('a watched name', () => {
  test('is asked for whenever its TTL is over, and its changes are told', () => {
    const { clock, asked, resolver, answer } = resolverOf();
    resolver.known('a.test');
    answer(found('192.0.2.1', '192.0.2.2'));
    const changes: (readonly string[])[] = [];
    let isNeeded = true;
    const watch = resolver.watch('a.test', {
      isNeeded: () => isNeeded,
      onChanged: (addresses) => void changes.push(addresses),
    });
    clock.advance(60_000);
    expect(asked).toHaveLength(2);
    answer(found('192.0.2.2', '192.0.2.1'));
    expect(changes, 'another order is no change').toEqual([]);
    clock.advance(60_000);
    answer(FAILED);
    clock.advance(minTtlMs);
    expect(asked).toHaveLength(4);
    answer(found('192.0.2.2'));
    expect(changes).toEqual([['192.0.2.2']]);
    isNeeded = false;
    clock.advance(600_000);
    expect(asked).toHaveLength(4);
    isNeeded = true;
    clock.advance(60_000);
    expect(asked).toHaveLength(5);
    answer(found('192.0.2.2'));
    watch.close();
    clock.advance(600_000);
    expect(asked).toHaveLength(5);
  });
});

test('whatever is answered, in whatever time: no name is asked for more often than its TTL or its pause allows', () => {
  const answers = fc.oneof(
    fc.constant(FAILED),
    fc.constant(NONE),
    fc.record({
      outcome: fc.constant('found' as const),
      addresses: fc.uniqueArray(fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1'), { minLength: 1 }),
      ttlMs: fc.nat(400_000),
      unknownFamily: fc.constantFrom(null, 4 as const, 6 as const),
    }),
  );
  const step = fc.oneof(
    fc.record({ kind: fc.constant('dial' as const) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(20_000) }),
    fc.record({ kind: fc.constant('answer' as const), answer: answers }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, isWatched) => {
      const { clock, asked, resolver } = resolverOf();
      if (isWatched) resolver.watch('a.test', { isNeeded: () => true, onChanged: () => undefined });
      const askedMs: number[] = [];
      const missed: string[] = [];
      let answeredCount = 0;
      let lastAddresses: readonly string[] | null = null;
      for (const one of steps) {
        if (one.kind === 'pass') clock.advance(one.ms);
        if (one.kind === 'answer' && asked.length > answeredCount) {
          asked[answeredCount++]!.answer(one.answer);
          if (one.answer.outcome === 'found') lastAddresses = one.answer.addresses;
        }
        if (one.kind === 'dial') {
          const known = resolver.known('a.test');
          // Nobody is sent to an address that the newest answer does not hold, or that no answer ever held.
          if (known?.ok === true) missed.push(...lastAddresses!.filter((one) => !known.addresses.includes(one)));
        }
        while (askedMs.length < asked.length) askedMs.push(clock.nowMs());
        expect(asked.length - answeredCount).toBeLessThanOrEqual(1);
      }
      expect(missed).toEqual([]);
      const gaps = askedMs.slice(1).map((ms, index) => ms - askedMs[index]!);
      for (const gapMs of gaps) expect(gapMs).toBeGreaterThanOrEqual(minTtlMs);
    }),
  );
});
