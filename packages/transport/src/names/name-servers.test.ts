/** What each answer of a name server means, asked over real sockets; hosts file, search list and `localhost` as the system has them. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DnsServer, ManualClock, type DnsAnswer } from '../../testing/index.ts';
import { SYSTEM_CLOCK } from './resolver-settings.ts';
import { SECOND_QUESTION_MS } from './family-question.ts';
import type { NameAnswer } from './name-source.ts';
import { NameServers, type NameServersOptions } from './name-servers.ts';
import { RESOLVER_DEFAULTS, RESOLVER_LIMITS, type ResolverSettings } from './resolver-settings.ts';

const NOTHING: DnsAnswer = { addresses: [] };

type Given = Partial<ResolverSettings> & Partial<Pick<NameServersOptions, 'clock' | 'hostsPath' | 'resolvConfPath'>>;

/** Asks `dns`, with no hosts file and no search list unless they are given. */
function serversOf(dns: DnsServer, given: Given = {}): NameServers {
  const { clock = SYSTEM_CLOCK, hostsPath = '/none', resolvConfPath = '/none', ...settings } = given;
  const patient = { servers: [dns.address], timeoutMs: 60_000, tries: 1 };
  return new NameServers({
    settings: { ...RESOLVER_DEFAULTS, ...patient, ...settings },
    clock,
    hostsPath,
    resolvConfPath,
  });
}

/** The final answer. */
function ask(servers: NameServers, name: string): Promise<NameAnswer> {
  return new Promise((resolve) => {
    servers.ask(name, (answer, isFinal) => {
      if (isFinal) resolve(answer);
    });
  });
}

describe('the name servers', () => {
  test('both families are asked, and come by turns with the shortest TTL', async () => {
    await using dns = await DnsServer.start(({ type }) =>
      type === 'A' ? { addresses: ['192.0.2.1', '192.0.2.2'], ttlS: 60 } : { addresses: ['2001:db8::1'], ttlS: 7 },
    );
    expect(await ask(serversOf(dns), 'backend.test')).toEqual({
      outcome: 'found',
      addresses: ['2001:db8::1', '192.0.2.1', '192.0.2.2'],
      ttlMs: 7_000,
      unknownFamily: null,
    });
    expect(dns.asked.map(({ type }) => type).toSorted()).toEqual(['A', 'AAAA']);
  });

  test.each<[string, DnsAnswer, NameAnswer]>([
    ['no such name', { code: 'NXDOMAIN' }, { outcome: 'none', code: 'ENOTFOUND' }],
    ['no address', NOTHING, { outcome: 'none', code: 'ENODATA' }],
    ['a failure', { code: 'SERVFAIL' }, { outcome: 'failed', code: 'ESERVFAIL' }],
    ['a refusal', { code: 'REFUSED' }, { outcome: 'failed', code: 'EREFUSED' }],
  ])('%s', async (_, answer, expected) => {
    await using dns = await DnsServer.start(() => answer);
    expect(await ask(serversOf(dns), 'backend.test')).toEqual(expected);
  });

  test('a lost datagram costs a second, not the whole time that the server may take', async () => {
    const lost = new Set<string>();
    await using dns = await DnsServer.start(({ type }) => {
      if (!lost.has(type)) return lost.add(type) && 'silent';
      return type === 'A' ? { addresses: ['192.0.2.1'] } : NOTHING;
    });
    // The server may take a minute for the first question, which nobody waits for.
    expect(await ask(serversOf(dns), 'backend.test')).toMatchObject({ outcome: 'found', addresses: ['192.0.2.1'] });
    expect(dns.asked).toHaveLength(4);
  });

  test('where the first server is silent the second question goes to the next one', async () => {
    await using silent = await DnsServer.start(() => 'silent');
    await using dns = await DnsServer.start(({ type }) => (type === 'A' ? { addresses: ['192.0.2.1'] } : NOTHING));
    const servers = serversOf(silent, { servers: [silent.address, dns.address] });
    expect(await ask(servers, 'backend.test')).toMatchObject({ outcome: 'found', addresses: ['192.0.2.1'] });
  });

  test('silence', async () => {
    await using dns = await DnsServer.start(() => 'silent');
    const expected = { outcome: 'failed', code: 'NAME_TIMEOUT' };
    expect(await ask(serversOf(dns, { timeoutMs: 100 }), 'backend.test')).toEqual(expected);
  });

  test('nobody at the address of the name server', async () => {
    const dns = await DnsServer.start(() => NOTHING);
    const servers = serversOf(dns, { servers: [dns.address] });
    await dns[Symbol.asyncDispose]();
    expect(await ask(servers, 'backend.test')).toEqual({ outcome: 'failed', code: 'NAME_SERVER_AWAY' });
  });

  test.each<[string, DnsAnswer, 6 | null]>([
    ['says that there is none', NOTHING, null],
    ['says that there is no such name, as old versions of Docker do', { code: 'NXDOMAIN' }, null],
    ['fails', { code: 'SERVFAIL' }, 6],
  ])('an IPv4 address is used where the server %s for IPv6', async (_, six, unknownFamily) => {
    await using dns = await DnsServer.start(({ type }) => (type === 'A' ? { addresses: ['192.0.2.1'] } : six));
    const expected = { outcome: 'found', addresses: ['192.0.2.1'], ttlMs: 60_000, unknownFamily };
    expect(await ask(serversOf(dns), 'backend.test')).toEqual(expected);
  });

  test('a server that never answers for IPv6 holds the IPv4 address up for 50 ms', async () => {
    const { promise: late, resolve: answerLate } = Promise.withResolvers<DnsAnswer>();
    await using dns = await DnsServer.start(({ type }) => (type === 'A' ? { addresses: ['192.0.2.1'] } : late));
    const clock = new ManualClock();
    const answers: (NameAnswer & { isFinal: boolean })[] = [];
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const heldUp = new Promise<void>((held) => {
      const watched = {
        nowMs: () => clock.nowMs(),
        after(ms: number, call: () => void) {
          if (ms < SECOND_QUESTION_MS) held();
          return clock.after(ms, call);
        },
      };
      serversOf(dns, { clock: watched }).ask('backend.test', (answer, isFinal) => {
        answers.push({ ...answer, isFinal });
        if (isFinal) resolve();
      });
    });
    await heldUp;
    clock.advance(49);
    expect(answers).toEqual([]);
    clock.advance(1);
    expect(answers).toMatchObject([{ addresses: ['192.0.2.1'], unknownFamily: 6, isFinal: false }]);
    answerLate({ addresses: ['2001:db8::1'] });
    await isOver;
    expect(answers[1]).toMatchObject({ addresses: ['2001:db8::1', '192.0.2.1'], unknownFamily: null, isFinal: true });
  });

  test('an answer that is too long for UDP is fetched over TCP, and only so many addresses of it are kept', async () => {
    const addresses = Array.from({ length: 200 }, (_, index) => `192.0.2.${index}`);
    await using dns = await DnsServer.start(({ type }) => (type === 'A' ? { addresses, code: 'TRUNCATED' } : NOTHING));
    const kept = addresses.slice(0, RESOLVER_LIMITS.addresses);
    expect(await ask(serversOf(dns), 'backend.test')).toMatchObject({ addresses: kept });
    expect(dns.asked.some(({ isTcp }) => isTcp)).toBe(true);
  });

  test('a question that is given up is over at once', async () => {
    const { promise: isAsked, resolve } = Promise.withResolvers<void>();
    await using dns = await DnsServer.start(() => {
      resolve();
      return 'silent';
    });
    const servers = serversOf(dns);
    const answer = ask(servers, 'backend.test');
    await isAsked;
    servers.close();
    expect(await answer).toMatchObject({ outcome: 'failed' });
  });

  test('another server is asked where one fails or nobody listens', async () => {
    await using failing = await DnsServer.start(() => ({ code: 'SERVFAIL' }));
    await using answering = await DnsServer.start(() => ({ addresses: ['192.0.2.1'] }));
    answering.handler = ({ type }) => (type === 'A' ? { addresses: ['192.0.2.1'] } : NOTHING);
    const away = await DnsServer.start(() => NOTHING);
    const awayAddress = away.address;
    await away[Symbol.asyncDispose]();
    const servers = serversOf(failing, { servers: [awayAddress, failing.address, answering.address] });
    expect(await ask(servers, 'backend.test')).toMatchObject({ addresses: ['192.0.2.1'] });
  });
});

describe('as the system does', () => {
  /** A server that knows one name. */
  const knowing = (known: string) =>
    DnsServer.start(({ name, type }) =>
      name === known ? { addresses: type === 'A' ? ['192.0.2.1'] : [] } : { code: 'NXDOMAIN' },
    );

  test.each([
    ['backend', 'backend.shop.test', 1, ['backend.shop.test']],
    ['svc.ns', 'svc.ns.cluster.test', 5, ['svc.ns.shop.test', 'svc.ns.cluster.test']],
    ['svc.ns', 'svc.ns', 5, ['svc.ns.shop.test', 'svc.ns.cluster.test', 'svc.ns']],
    ['svc.ns', 'svc.ns.cluster.test', 1, ['svc.ns', 'svc.ns.shop.test', 'svc.ns.cluster.test']],
    ['svc.ns.', 'svc.ns', 5, ['svc.ns']],
    ['backend', 'backend', 0, ['backend']],
  ])('%s is found as %s with ndots %i', async (...[name, known, ndots, asked]) => {
    await using dns = await knowing(known);
    const servers = serversOf(dns, { search: ['shop.test', 'cluster.test'], ndots });
    expect(await ask(servers, name)).toMatchObject({ addresses: ['192.0.2.1'] });
    expect([...new Set(dns.asked.map((question) => question.name))]).toEqual(asked);
  });

  test('a failure under one name does not keep the next one from being asked, and is told if none is found', async () => {
    await using dns = await DnsServer.start(({ name }) => ({ code: name === 'a.b.test' ? 'SERVFAIL' : 'NXDOMAIN' }));
    const servers = serversOf(dns, { search: ['b.test', 'c.test'], ndots: 1 });
    expect(await ask(servers, 'a')).toEqual({ outcome: 'failed', code: 'ESERVFAIL' });
    expect(dns.asked.map(({ name }) => name)).toContain('a.c.test');
  });

  test('hosts file and resolv.conf are read again when they have changed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-names-'));
    const [hostsPath, resolvConfPath] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
    /** As they are written: into place. */
    const put = async (path: string, text: string) => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    await using dns = await knowing('backend.shop.test');
    const clock = new ManualClock();
    const servers = serversOf(dns, { hostsPath, resolvConfPath, clock });
    expect(await ask(servers, 'backend')).toEqual({ outcome: 'none', code: 'ENOTFOUND' });
    await put(resolvConfPath, 'search shop.test\n');
    clock.advance(1_000);
    expect(await ask(servers, 'backend')).toMatchObject({ addresses: ['192.0.2.1'] });
    await put(hostsPath, '192.0.2.7 other Backend # ours\n0:0::01 backend\nnonsense\n');
    clock.advance(999);
    expect(await ask(servers, 'backend')).toMatchObject({ addresses: ['192.0.2.1'] });
    clock.advance(1);
    expect(await ask(servers, 'backend')).toMatchObject({ addresses: ['::1', '192.0.2.7'] });
    await rm(folder, { recursive: true });
    clock.advance(1_000);
    expect(await ask(servers, 'backend')).toMatchObject({ outcome: 'none' });
  });

  test.each(['localhost', 'api.localhost', 'localhost.'])(
    '%s leads to this host, and no server is asked',
    async (name) => {
      await using dns = await DnsServer.start(() => ({ addresses: ['192.0.2.66'] }));
      expect(await ask(serversOf(dns), name)).toMatchObject({ addresses: ['::1', '127.0.0.1'] });
      expect(dns.asked).toEqual([]);
    },
  );
});
