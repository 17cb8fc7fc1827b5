/** Whatever a filter throws, rejects with or returns, costs its own request a 500 (in `logging` a line), and nobody else anything. */
import { describe, expect, test } from 'vitest';
import { answering, client, get, ok, statusOf, until, valuesOf } from '../../../testing/http/scripted.ts';
import { Filtered, NOWHERE } from '../../../testing/http/filtered.ts';
import { isLeftByFilter } from './filter-loader.ts';
import { shapeProblem } from './filter-loader.ts';

function thrower(): never {
  throw Object.assign(new Error('in a getter'), { message: Symbol('no text') });
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function cyclic(): Error {
  const error = new Error('round and round');
  error.cause = error;
  return new AggregateError([error], '');
}

const HOSTILE: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  undefined: () => undefined,
  'a text': () => 'a text\r\nX: 1',
  'a symbol': () => Symbol('s'),
  'a number': () => 7n,
  'an error whose message is an object': () => Object.assign(new Error(), { message: { no: 'text' } }),
  'an error whose message is a symbol': () => Object.assign(new Error(), { message: Symbol('s') }),
  'an error whose message is null': () => Object.assign(new Error(), { message: null }),
  'an error with getters that throw': () =>
    Object.defineProperties(new Error(), {
      message: { get: thrower },
      stack: { get: thrower },
      name: { get: thrower },
    }),
  'an object with getters that throw': () => Object.defineProperty({}, 'message', { get: thrower, enumerable: true }),
  'an object that turns into no text': () => ({ toString: thrower, toJSON: thrower, [Symbol.toPrimitive]: thrower }),
  'a proxy that throws': () => new Proxy({}, { get: thrower, getPrototypeOf: thrower, ownKeys: thrower }),
  'a proxy that was revoked': () => revoked({}),
  'an array that was revoked': () => revoked([]),
  'an error that is its own cause': cyclic,
  'an aggregate that holds itself': () => {
    const error = new AggregateError([], '');
    error.errors.push(error);
    return error;
  },
  'a function': () => thrower,
  'a thenable whose then throws': () => ({ then: thrower }),
  'a thenable whose then cannot be read': () => Object.defineProperty({}, 'then', { get: thrower }),
  'a promise whose then throws': () => Object.assign(Promise.resolve(), { then: thrower }),
  'a promise whose constructor cannot be read': () =>
    Object.defineProperty(Promise.resolve(), 'constructor', { get: thrower }),
  'an object without a prototype': () => Object.create(null),
};

/** Returning one of these is no failure, or a failure of the hook as any other value is. */
const GIVEN_AS: Readonly<Record<string, (value: () => unknown) => () => unknown>> = {
  throws: (value) => () => {
    throw value();
  },
  'rejects with': (value) => () => new Promise((_resolve, reject) => reject(value())),
  returns: (value) => value,
  promises: (value) => async () => value(),
};

const HOOKS = [
  'newContext',
  'requestFilter',
  'upstreamPeer',
  'upstreamRequestFilter',
  'upstreamResponseFilter',
  'failToConnect',
  'errorWhileProxy',
  'logging',
] as const;

const CASES = HOOKS.flatMap((hook) => Object.keys(GIVEN_AS).map((way) => ({ hook, way })));

const FAILED = 'filter ./a.ts: ';

interface Outcome {
  readonly hook: (typeof HOOKS)[number];
  readonly way: string;
  readonly status: number;
}

/** What was returned may also have been taken for nothing, or have left the failure that was asked about as it was. */
function isExpected({ hook, way, status }: Outcome): boolean {
  if (way !== 'throws' && way !== 'rejects with') return [200, 500, 502, 503].includes(status);
  return status === (hook === 'logging' ? 200 : 500);
}

test.each(CASES)('$hook $way what it may not', async ({ hook, way }) => {
  let value: () => unknown = () => undefined;
  const give = () => GIVEN_AS[way]!(value)();
  const hooks = hook === 'newContext' ? { newContext: give, requestFilter: () => undefined } : { [hook]: give };
  await using filtered = await Filtered.by([hooks]);
  const { harness } = filtered;
  const backend = await answering(harness, (_request, peer) => {
    if (hook !== 'errorWhileProxy') return ok('fine');
    peer.socket.destroy();
    return null;
  });
  if (hook === 'failToConnect') harness.register('a', NOWHERE);
  else harness.register('b', backend.target);
  const seen: (readonly [name: string, isExpected: boolean, detail: string])[] = [];
  for (const [name, make] of Object.entries(HOSTILE)) {
    value = make;
    const asking = client(filtered.port);
    asking.write(get());
    const status = statusOf(await asking.message());
    asking.socket.destroy();
    await until(() => harness.proxy.stats().total.open === 0);
    seen.push([name, isExpected({ hook, way, status }), status === 500 ? filtered.last.detail! : FAILED]);
  }
  expect(seen.filter(([, isAsExpected, detail]) => !isAsExpected || !detail.startsWith(FAILED))).toEqual([]);
  value = () => undefined;
  const last = client(filtered.port);
  last.write(get());
  const answer = await last.message();
  expect(valuesOf(answer, 'content-length')).toHaveLength(1);
  last.socket.destroy();
  await filtered.expectNothingUnderWay();
});

describe.each(Object.entries(HOSTILE))('%s', (name, make) => {
  test('is a stray error of a filter, unless it is an error whose trace leads elsewhere', () => {
    // V8 makes a trace when it is first read, and cannot make one of a symbol.
    const hasTrace = /^an (error|aggregate)/.test(name) && !/getters that throw|symbol/.test(name);
    expect(isLeftByFilter(make())).toBe(!hasTrace);
  });

  test('is no filter', () => {
    expect(shapeProblem(make())).toMatch(/^has /);
  });
});
