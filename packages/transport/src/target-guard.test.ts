/** Which addresses a node dials: not its own, however they are written, and of the others what its policy lets through. */
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, linkSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTarget, type Address } from '@muster/membership';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OwnAddresses } from './own-addresses.ts';
import { NodeTargetGuard } from './target-guard.ts';
import { parseTargetRule, type TargetPolicy } from './target-policy.ts';

const OPEN: TargetPolicy = { allow: [], only: null, deny: [], isNearGuarded: false };
const SHARED: TargetPolicy = { ...OPEN, isNearGuarded: true };
const INTERFACES = ['127.0.0.1', '::1', '10.0.0.5', 'fe80::1', '2001:db8::5'];

const at = (text: string): Address => parseTarget(text)!;
const guardOf = (policy: Partial<TargetPolicy>, own: readonly string[] = []): NodeTargetGuard => {
  const guard = new NodeTargetGuard({ ...OPEN, ...policy }, new OwnAddresses(() => INTERFACES));
  guard.setOwn(own.map((text) => ({ address: at(text), name: `own ${text}` })));
  return guard;
};
const isRefused = (guard: NodeTargetGuard, text: string): boolean => guard.refusalOf(at(text)) !== null;

describe("a node's own addresses", () => {
  const SPELLINGS = [
    '127.0.0.1',
    '[::ffff:127.0.0.1]',
    '[::FFFF:7f00:1]',
    '[0:0:0:0:0:ffff:7f00:0001]',
    '0.0.0.0',
    '[::]',
  ];

  test.each(SPELLINGS)('an admin API at 127.0.0.1 is refused as %s', (host) => {
    const guard = guardOf({}, ['127.0.0.1:9900']);
    expect(guard.refusalOf(at(`${host}:9900`))).toEqual({ reason: 'it is own 127.0.0.1:9900' });
    expect(isRefused(guard, `${host}:9901`)).toBe(false);
    expect(guard.refusedCount).toBe(1);
  });

  const EVERYWHERE = [
    ...SPELLINGS,
    '127.9.9.9',
    '[::1]',
    '10.0.0.5',
    '[::ffff:10.0.0.5]',
    '[fe80::1%eth0]',
    '[2001:db8::5]',
  ];
  test.each(EVERYWHERE)('one that is bound everywhere is refused as %s', (host) => {
    const binds = ['0.0.0.0:9900', '[::]:9900', 'localhost:9900'];
    expect(binds.filter((bind) => !isRefused(guardOf({}, [bind]), `${host}:9900`))).toEqual([]);
  });

  test('other machines at the same port, and other addresses than the one that is bound, are dialled', () => {
    expect(isRefused(guardOf({}, ['0.0.0.0:8080']), '10.0.0.6:8080')).toBe(false);
    expect(isRefused(guardOf({}, ['127.0.0.1:8080']), '10.0.0.5:8080')).toBe(false);
    expect(isRefused(guardOf({}, ['127.0.0.1:8080']), '127.0.0.2:8080')).toBe(false);
  });

  test('what is no longer bound is dialled again', () => {
    const guard = guardOf({}, ['127.0.0.1:9900']);
    guard.setOwn([]);
    expect(isRefused(guard, '127.0.0.1:9900')).toBe(false);
  });

  test('a Unix socket is known by its file, whatever leads there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-guard-'));
    const path = join(folder, 'own.sock');
    const other = join(folder, 'other.sock');
    const servers = [createServer().listen(path), createServer().listen(other)];
    try {
      await Promise.all(servers.map((server) => once(server, 'listening')));
      mkdirSync(join(folder, 'sub'));
      symlinkSync(path, join(folder, 'link.sock'));
      symlinkSync(folder, join(folder, 'sub', 'up'));
      linkSync(path, join(folder, 'hard.sock'));
      const guard = guardOf({}, [`unix:${path}`]);
      const ways = ['own.sock', 'link.sock', 'hard.sock', 'sub/../own.sock', 'sub/up/own.sock', './/own.sock'];
      expect(ways.filter((way) => !isRefused(guard, `unix:${folder}/${way}`))).toEqual([]);
      expect(isRefused(guard, `unix:${other}`)).toBe(false);
    } finally {
      for (const server of servers) server.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a policy', () => {
  const NEAR = ['127.0.0.1:80', '[::1]:80', '0.0.0.0:80', '[::]:80', '[::ffff:127.0.0.1]:80', '169.254.169.254:80'];
  const NEARER = [
    '[::ffff:169.254.169.254]:80',
    '[fe80::1%eth0]:80',
    '[fd00:ec2::254]:80',
    '100.100.100.200:80',
    'unix:/run/a.sock',
  ];

  test.each([...NEAR, ...NEARER])('with a shared journal %s needs a word, and the refusal says which', (target) => {
    expect(isRefused(guardOf(OPEN), target)).toBe(false);
    const { reason } = guardOf(SHARED).refusalOf(at(target))!;
    const [, rule = ''] = /allow = \["(.*)"\] under \[node\.targets\]/.exec(reason) ?? [];
    expect(isRefused(guardOf({ ...SHARED, allow: [rule] }), target)).toBe(false);
  });

  test.each(['10.0.0.6:80', '192.168.1.1:80', '8.8.8.8:53', '[2001:db8::1]:80'])(
    '%s is dialled by default',
    (target) => {
      expect(isRefused(guardOf(SHARED), target)).toBe(false);
    },
  );

  test('deny goes before allow, and only closes the rest', () => {
    const guard = guardOf({
      allow: ['127.0.0.0/8:8000-8999'],
      only: ['10.0.0.0/8', '*:443'],
      deny: ['10.0.0.1', '127.0.0.1:8080'],
    });
    const dialled = ['127.0.0.1:8000', '127.0.0.9:8999', '10.2.3.4:1', '8.8.8.8:443', '[::1]:443'];
    const refused = ['127.0.0.1:8080', '127.0.0.1:7999', '127.0.0.1:9000', '10.0.0.1:80', '8.8.8.8:80', 'unix:/a'];
    expect(dialled.filter((target) => isRefused(guard, target))).toEqual([]);
    expect(refused.filter((target) => !isRefused(guard, target))).toEqual([]);
    expect(guard.refusalOf(at('10.0.0.1:80'))?.reason).toContain('node.targets.deny');
    expect(guard.refusalOf(at('8.8.8.8:80'))?.reason).toContain('node.targets.only');
  });

  test('a folder of sockets holds what is in it, and not what only looks so', () => {
    const guard = guardOf({ ...SHARED, allow: ['unix:/nowhere/apps/'] });
    const refused = ['unix:/nowhere/apps-other/a', 'unix:/nowhere/apps/../a', 'unix:/nowhere'];
    expect(isRefused(guard, 'unix:/nowhere/apps/a.sock')).toBe(false);
    expect(refused.filter((target) => !isRefused(guard, target))).toEqual([]);
  });

  test('of an IPv4 address every spelling has the same verdict', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, byte, byte, (...bytes) => {
        const dotted = bytes.join('.');
        const hex = bytes.map((part) => part.toString(16).padStart(2, '0')).join('');
        const guard = guardOf({ ...SHARED, deny: ['10.0.0.0/8'] }, ['192.168.0.0:80']);
        const spellings = [`${dotted}:80`, `[::ffff:${dotted}]:80`, `[::ffff:${hex.slice(0, 4)}:${hex.slice(4)}]:80`];
        expect(new Set(spellings.map((text) => isRefused(guard, text))).size).toBe(1);
      }),
      { seed: 7 },
    );
  });

  test.each([
    '',
    'x',
    '10.0.0.0/33',
    '10.0.0.0/8:0',
    '10.0.0.0/8:9-8',
    '10.0.0.0/8:65536',
    'unix:a',
    '[::1',
    '::1:x',
    'host:80',
  ])('%j is no rule', (text) => {
    expect(parseTargetRule(text)).toBeNull();
  });
});
