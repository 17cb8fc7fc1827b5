/** Which addresses are dialled in which order and when, what the guard is asked, and which failure is told. */
import type { Address } from '@muster/membership';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { timeoutCode } from './connect-failure.ts';
import { Dialler, HEAD_START_MS } from './dialler.ts';
import type { Dial, DialOwner, Leg, Transport } from './leg.ts';
import type { NameResolver, Resolution } from './names/name-resolver.ts';
import { rawTransport } from './raw-transport.ts';
import { ANY_TARGET, type TargetGuard } from './target-guard.ts';

type Asked = Pick<TargetGuard, 'refusalOf'>;

const NAMED: Address = { kind: 'tcp', host: 'backend.test', port: 80 };

interface FakeDial {
  readonly host: string;
  /** Whom the transport tells. */
  readonly owner: DialOwner;
  readonly connect: () => Leg;
  readonly fail: (code: string) => void;
  isOpen: boolean;
}

/** A network of which the test says what each dial comes to. */
function dialling(addresses: readonly string[], guard: Asked = ANY_TARGET) {
  const clock = new ManualClock();
  const dials: FakeDial[] = [];
  const legs: Leg[] = [];
  const transport: Transport = {
    ...rawTransport!,
    dial(address, owner): Dial {
      const host = address.kind === 'tcp' ? address.host : address.path;
      const leg = { name: host } as unknown as Leg;
      const end = (tell: () => void) => {
        if (!dial.isOpen) throw new Error(`the dial to ${host} is over`);
        dial.isOpen = false;
        tell();
      };
      const connect = () => (end(() => owner.onConnected(leg)), leg);
      const fail = (code: string) => end(() => owner.onConnectFailed(code));
      const dial: FakeDial = { host, owner, isOpen: true, connect, fail };
      dials.push(dial);
      return { close: () => void (dial.isOpen = false) };
    },
  };
  const resolution: Resolution = { ok: true, addresses };
  const resolver: NameResolver = {
    known: () => resolution,
    wait: () => ({ close: () => undefined }),
    watch: () => ({ close: () => undefined }),
  };
  const dialler = new Dialler({ transport, resolver, guard, clock });
  const failures: string[] = [];
  const owner: DialOwner = {
    onConnected: (leg) => void legs.push(leg),
    onConnectFailed: (code, detail) => void failures.push(detail === undefined ? code : `${code} ${detail}`),
  };
  const hosts = () => dials.map(({ host }) => host);
  const open = () => dials.filter(({ isOpen }) => isOpen).map(({ host }) => host);
  return { clock, dialler, dials, legs, owner, failures, hosts, open };
}

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

test('a name with one known address is dialled as that address is, with nothing in between', () => {
  const { dialler, dials, owner } = dialling(['127.0.0.1']);
  dialler.dial(NAMED, owner);
  dialler.dial({ kind: 'tcp', host: '127.0.0.1', port: 80 }, owner);
  expect(dials.map((dial) => [dial.host, dial.owner === owner])).toEqual([
    ['127.0.0.1', true],
    ['127.0.0.1', true],
  ]);
});

describe('the addresses of a name', () => {
  test('are dialled with a head start each, and the first to connect wins', () => {
    const { clock, dialler, dials, legs, owner, hosts, open } = dialling(['::1', '127.0.0.1', '127.0.0.2']);
    dialler.dial(NAMED, owner);
    expect(hosts()).toEqual(['::1']);
    clock.advance(HEAD_START_MS - 1);
    expect(hosts()).toEqual(['::1']);
    clock.advance(1);
    expect(hosts()).toEqual(['::1', '127.0.0.1']);
    const leg = dials[1]!.connect();
    expect(legs).toEqual([leg]);
    expect(open()).toEqual([]);
    clock.advance(1_000);
    expect(hosts()).toEqual(['::1', '127.0.0.1']);
  });

  test('are dialled at once where the one before fails; then the next has its whole head start', () => {
    const { clock, dialler, dials, owner, hosts } = dialling(['::1', '127.0.0.1', '127.0.0.2']);
    dialler.dial(NAMED, owner);
    clock.advance(200);
    dials[0]!.fail('ECONNREFUSED');
    expect(hosts()).toEqual(['::1', '127.0.0.1']);
    clock.advance(HEAD_START_MS - 1);
    expect(hosts()).toHaveLength(2);
    clock.advance(1);
    expect(hosts()).toHaveLength(3);
  });

  test('begin with the one that answered last, for ten minutes', () => {
    const { clock, dialler, dials, owner, hosts } = dialling(['::1', '127.0.0.1']);
    dialler.dial(NAMED, owner);
    clock.advance(HEAD_START_MS);
    dials[1]!.connect();
    dialler.dial(NAMED, owner);
    dials[2]!.connect();
    dialler.dial({ ...NAMED, port: 81 }, owner);
    dials[3]!.connect();
    clock.advance(600_000);
    dialler.dial(NAMED, owner);
    expect(hosts()).toEqual(['::1', '127.0.0.1', '127.0.0.1', '::1', '::1']);
  });

  test.each([
    [['ENETUNREACH', 'ECONNREFUSED'], 'ECONNREFUSED'],
    [['ECONNREFUSED', 'ENETUNREACH'], 'ECONNREFUSED'],
    [['EADDRNOTAVAIL', 'EHOSTUNREACH'], 'EHOSTUNREACH'],
    [['EADDRNOTAVAIL', 'EAFNOSUPPORT'], 'EAFNOSUPPORT'],
    [['ECONNREFUSED', 'EMFILE'], 'EMFILE'],
    [['EMFILE', 'ECONNREFUSED'], 'EMFILE'],
  ])('%j: what says most of the target is told, once', (codes, told) => {
    const { dialler, dials, owner, failures } = dialling(['::1', '127.0.0.1']);
    dialler.dial(NAMED, owner);
    codes.forEach((code, index) => dials[index]!.fail(code));
    expect(failures).toEqual([told]);
  });

  test('are no longer dialled once the dial is given up', () => {
    const { clock, dialler, owner, hosts, open } = dialling(['::1', '127.0.0.1', '127.0.0.2']);
    const dial = dialler.dial(NAMED, owner);
    clock.advance(HEAD_START_MS);
    dial.close();
    clock.advance(1_000);
    expect(hosts()).toHaveLength(2);
    expect(open()).toEqual([]);
  });
});

test('whatever becomes of the addresses: one outcome, nothing left open, and none is passed over', () => {
  const ends = fc.array(fc.record({ afterMs: fc.nat(700), isConnected: fc.boolean(), isSilent: fc.boolean() }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(ends, (planned) => {
      const addresses = planned.map((_, index) => `192.0.2.${index}`);
      const { clock, dialler, dials, legs, owner, failures, open } = dialling(addresses);
      dialler.dial(NAMED, owner);
      const startedMs = new Map<FakeDial, number>();
      for (let nowMs = 0; nowMs < 10_000; nowMs += 10, clock.advance(10)) {
        for (const [index, dial] of [...dials].entries()) {
          const { afterMs, isConnected, isSilent } = planned[index]!;
          if (!startedMs.has(dial)) startedMs.set(dial, nowMs);
          if (!dial.isOpen || isSilent || nowMs < startedMs.get(dial)! + afterMs) continue;
          if (isConnected) dial.connect();
          else dial.fail('ECONNREFUSED');
        }
      }
      const canConnect = planned.some(({ isConnected, isSilent }) => isConnected && !isSilent);
      expect(legs).toHaveLength(canConnect ? 1 : 0);
      const isSilentForEver = !canConnect && planned.some(({ isSilent }) => isSilent);
      expect(failures).toHaveLength(canConnect || isSilentForEver ? 0 : 1);
      expect(open().length === 0 || isSilentForEver).toBe(true);
      expect(canConnect || dials.length === addresses.length).toBe(true);
    }),
  );
});

describe('the guard', () => {
  const guard: Asked = {
    refusalOf: (address) => (address.kind === 'unix' || address.host === '127.0.0.1' ? { reason: 'it is ours' } : null),
  };

  test.each<[string, Address]>([
    ['a literal address', { kind: 'tcp', host: '127.0.0.1', port: 80 }],
    ['a Unix path', { kind: 'unix', path: '/run/x.sock' }],
  ])('refuses %s, which is then not dialled', async (_, address) => {
    const { dialler, dials, owner, failures } = dialling([], guard);
    dialler.dial(address, owner);
    expect(failures, 'never within the call').toEqual([]);
    await nextTick();
    expect(failures).toEqual(['TARGET_REFUSED it is ours']);
    dialler.dial(address, owner).close();
    await nextTick();
    expect(failures).toHaveLength(1);
    expect(dials).toEqual([]);
  });

  test('is asked with what a name leads to', async () => {
    const { dialler, owner, failures, hosts } = dialling(['127.0.0.1'], guard);
    dialler.dial(NAMED, owner);
    await nextTick();
    expect(failures).toEqual(['TARGET_REFUSED it is ours']);
    expect(hosts()).toEqual([]);
  });

  test('leaves the other addresses of the name', async () => {
    const { dialler, owner, hosts } = dialling(['127.0.0.1', '192.0.2.1'], guard);
    dialler.dial(NAMED, owner);
    await nextTick();
    expect(hosts()).toEqual(['192.0.2.1']);
  });
});

test('a dial whose time is over says whether it still waited for its name', () => {
  const { dialler, owner } = dialling(['192.0.2.1']);
  expect(timeoutCode(dialler.dial(NAMED, owner))).toBe('ETIMEDOUT');
  expect(timeoutCode(dialler.dial({ kind: 'tcp', host: '192.0.2.1', port: 80 }, owner))).toBe('ETIMEDOUT');
  Object.assign(dialler.resolver, { known: () => null });
  expect(timeoutCode(dialler.dial(NAMED, owner))).toBe('NAME_TIMEOUT');
});
