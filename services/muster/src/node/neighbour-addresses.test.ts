/** Which addresses lead to another node, from its own machine and from another one, as the guard judges them. */
import { type BoundAddresses, parseTarget } from '@muster/membership';
import { NodeTargetGuard } from '@muster/transport';
import { describe, expect, test } from 'vitest';
import { hostsOfMachine, machineId } from './neighbour-addresses.ts';
import { neighbourAddresses } from './neighbour-addresses.ts';

const BOUND: BoundAddresses = {
  machine: 'there',
  hosts: ['10.0.0.2', 'fd00::2', 'no address'],
  admin: '127.0.0.1:9900',
  listeners: [
    '0.0.0.0:8080',
    '10.0.0.2:8443',
    '[::]:8081',
    'unix:/run/lb.sock',
    '127.0.0.1:8082',
    '10.0.0.2:0',
    'nonsense',
  ],
};

/** The guard of a node on `machine` that dials everything else. */
function refusals(bound: BoundAddresses, machine: string, targets: readonly string[]): readonly (string | null)[] {
  const guard = new NodeTargetGuard({ allow: [], only: null, deny: [], isNearGuarded: false });
  guard.setOwn(neighbourAddresses({ node: 'lb-2', bound }, machine));
  return targets.map((target) => guard.verdictOn(parseTarget(target)!)?.reason ?? null);
}

const LISTENER = 'it is a listener of node lb-2';
const ADMIN = 'it is the admin API of node lb-2';

describe('from another machine', () => {
  test.each([
    ['10.0.0.2:8080', LISTENER],
    ['[::ffff:10.0.0.2]:8080', LISTENER],
    ['[fd00::2]:8080', LISTENER],
    ['[fd00:0::2]:8081', LISTENER],
    ['10.0.0.2:8443', LISTENER],
    ['[fd00::2]:8443', null],
    // These lead to this machine, where nothing of the other node is.
    ['127.0.0.1:9900', null],
    ['127.0.0.1:8080', null],
    ['0.0.0.0:8080', null],
    ['unix:/run/lb.sock', null],
    ['10.0.0.3:8080', null],
  ])('%s: %s', (target, expected) => {
    expect(refusals(BOUND, 'here', [target])).toEqual([expected]);
  });

  test('an admin API that is bound everywhere, or to a name, is refused by each address of its machine', () => {
    for (const admin of ['0.0.0.0:9900', 'lb-2.internal:9900'])
      expect(refusals({ ...BOUND, admin }, 'here', ['10.0.0.2:9900', '[fd00::2]:9900'])).toEqual([ADMIN, ADMIN]);
  });
});

test('on its own machine its loopback and its Unix sockets are refused as well', () => {
  const targets = ['127.0.0.1:9900', '[::ffff:127.0.0.1]:9900', '127.0.0.1:8080', 'unix:/run/lb.sock', '127.0.0.1:9'];
  expect(refusals(BOUND, 'there', targets)).toEqual([ADMIN, ADMIN, LISTENER, LISTENER, null]);
});

test('a machine knows itself, and says no address that leads elsewhere on another machine', () => {
  expect(machineId()).toMatch(/^[0-9a-f]{16}$/);
  expect(machineId()).toBe(machineId());
  for (const host of hostsOfMachine()) expect(host).not.toMatch(/^(127\.|::1$|fe80|169\.254\.)/);
});
