/** Hashes that rosters had in earlier versions: they are compared between nodes of different versions, and stand in snapshots. */
import { expect, test } from 'vitest';
import type { MembershipEventInput } from '../vocabulary/event.ts';
import { fold } from './evolve.ts';
import { rosterHash } from './hash.ts';
import { emptyRoster } from './roster.ts';

/** After each of these events, in this order, the roster has that hash. Add to them; never change one. */
const HISTORY: readonly (readonly [entity: string, event: MembershipEventInput, hash: string])[] = [
  [
    'pool.spells',
    {
      type: 'PoolDefined',
      connectTimeoutMs: 400,
      maxConnectionsPerBackend: 100,
      health: { http: '/healthz' },
      healthView: 'quorum',
    },
    'b073325bbf803aca',
  ],
  ['pool.plain', { type: 'PoolDefined' }, '390d6d082428279b'],
  [
    'backend.spells.s-1',
    { type: 'BackendRegistered', target: '127.0.0.1:8001', weight: 2, leaseMs: 15_000 },
    'ab8384e6b21774c5',
  ],
  [
    'listener.web',
    { type: 'ListenerDefined', bind: '127.0.0.1:8080', pool: 'spells', nodes: ['lb-1'] },
    '6568aaee66af9d70',
  ],
  [
    'listener.all',
    { type: 'ListenerDefined', bind: '127.0.0.1:8081', pool: 'plain', idleTimeoutMs: 1_000 },
    '090ee3cf9effeb2a',
  ],
  ['backend.spells.s-1', { type: 'BackendModeSet', mode: 'ready', reason: 'back' }, 'bd8389e52bb0a7b7'],
  [
    'health.lb-1.spells.s-1',
    { type: 'BackendTurnedHealthy', target: '127.0.0.1:8001', reason: 'status 200' },
    '9c3f36a5e41dee35',
  ],
  ['node.lb-1', { type: 'NodeStarted', workers: 2, leaseMs: 5_000 }, 'c12a41470cab18f0'],
];

test('the same events give the hashes that they always gave', () => {
  let roster = emptyRoster('demo');
  for (const [index, [entity, event, hash]] of HISTORY.entries()) {
    const { roster: after, rejection } = fold(roster, {
      revision: index + 1,
      timeMs: 1_800_000_000_000 + index * 1_000,
      id: `event-${index + 1}`,
      subject: `muster.demo.${entity}`,
      origin: index % 2 === 0 ? null : 'config:lb-1',
      payload: JSON.stringify(event),
    });
    expect(rejection).toBeNull();
    expect(`${index + 1} ${rosterHash(after)}`).toBe(`${index + 1} ${hash}`);
    roster = after;
  }
});
