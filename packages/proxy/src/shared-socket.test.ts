/** Bound sockets that processes share: addresses, taken ones included. */
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { ProxyHarness } from '../testing/proxy-harness.ts';
import { bindSharedSocket } from '@muster/transport';

const spec = { bind: '127.0.0.1:0', protocol: 'tcp', pool: 'p', idleTimeoutMs: 60_000 } as const;

async function bind(address: Parameters<typeof bindSharedSocket>[0]) {
  const outcome = await bindSharedSocket(address);
  if (!outcome.ok) throw new Error(outcome.code);
  return outcome.socket;
}

/** A machine may have IPv6 switched off; then no test can bind to it. */
const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

test('port 0 gives a free port, of IPv4, IPv6 or a name', async () => {
  for (const host of ['127.0.0.1', ...(hasIpv6 ? ['::1'] : []), 'localhost']) {
    const socket = await bind({ kind: 'tcp', host, port: 0 });
    expect(socket.boundPort).toBeGreaterThan(0);
    socket.close();
  }
});

test('an address that somebody listens on is refused with EADDRINUSE', async () => {
  await using harness = new ProxyHarness();
  const backend = await harness.named('a');
  const port = Number(backend.target.split(':')[1]);
  expect(await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port })).toMatchObject({
    ok: false,
    code: 'EADDRINUSE',
  });
});

test('an address that is not of this host, and a name that does not resolve, say so', async () => {
  expect(await bindSharedSocket({ kind: 'tcp', host: '203.0.113.1', port: 0 })).toMatchObject({
    ok: false,
    code: 'EADDRNOTAVAIL',
  });
  const unknown = await bindSharedSocket({ kind: 'tcp', host: 'does-not-exist.invalid', port: 0 });
  expect(unknown.ok).toBe(false);
});

test('two sockets bound to one address: the second to listen is told EADDRINUSE', async () => {
  await using harness = new ProxyHarness();
  const first = await bind({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const second = await bind({ kind: 'tcp', host: '127.0.0.1', port: first.boundPort! });
  expect(await harness.proxy.openListener('one', spec, first.handle)).toEqual({ ok: true });
  expect(await harness.proxy.openListener('two', spec, second.handle)).toEqual({
    ok: false,
    reason: 'listen_failed',
    code: 'EADDRINUSE',
  });
});

test('a listener may be a Unix socket, whose path goes with it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-'));
  const path = join(directory, 's');
  {
    await using harness = new ProxyHarness();
    const backend = await harness.backend((socket) => socket.end('a'));
    harness.pool();
    harness.register('a', backend.target);
    const socket = await bind({ kind: 'unix', path });
    expect(socket.boundPort).toBeNull();
    expect(await harness.proxy.openListener('web', spec, socket.handle)).toEqual({ ok: true });
    expect(await text(connect({ path }))).toBe('a');
  }
  expect(existsSync(path)).toBe(false);
  await rm(directory, { recursive: true });
});
