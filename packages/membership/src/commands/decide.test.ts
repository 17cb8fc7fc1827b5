/** Commands against a roster: accepted with what they were decided on, unchanged, or refused with a hint. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandSchema, type CommandInput } from './command.ts';
import { decide } from './decide.ts';
import { fold } from '../fold/evolve.ts';
import { generatedHistory } from '../../testing/index.ts';
import { emptyRoster, type Roster } from '../fold/roster.ts';
import { formatSubject } from '../vocabulary/subject.ts';

function execute(roster: Roster, input: CommandInput, origin = 'test') {
  const decision = decide(roster, commandSchema.parse(input), origin);
  if (decision.outcome !== 'accepted') return { decision, roster, rejection: null };
  const outcome = fold(roster, {
    revision: roster.revision + 1,
    timeMs: 0,
    id: `event-${roster.revision + 1}`,
    subject: formatSubject('demo', decision.entity),
    origin,
    payload: JSON.stringify(decision.event),
  });
  return { decision, ...outcome };
}

const commandsOn = (pool: string): CommandInput[] => [
  { type: 'RegisterBackend', pool, backend: 'b-1', target: 'a:1' },
  { type: 'SetBackendMode', pool, backend: 'b-1', mode: 'maint' },
  { type: 'DeregisterBackend', pool, backend: 'b-2' },
  { type: 'RemovePool', pool },
];

const setUp: CommandInput[] = [
  { type: 'DefinePool', pool: 'spells' },
  { type: 'RegisterBackend', pool: 'spells', backend: 's-1', target: '127.0.0.1:8001' },
  { type: 'DefineListener', listener: 'web', bind: '127.0.0.1:8080', pool: 'spells' },
];
const roster = setUp.reduce((before, command) => execute(before, command).roster, emptyRoster('demo'));

test('a second time, every command has nothing to do', () => {
  for (const command of setUp) expect(decide(roster, commandSchema.parse(command), 'test').outcome).toBe('unchanged');
});

test('a change names the event that it was decided on', () => {
  const { decision } = execute(roster, { type: 'SetBackendMode', pool: 'spells', backend: 's-1', mode: 'drain' });
  expect(decision).toMatchObject({
    outcome: 'accepted',
    expectedRevision: 2,
    event: { type: 'BackendModeSet', mode: 'drain' },
  });
});

test.each<[CommandInput, string, string]>([
  [{ type: 'SetBackendMode', pool: 'spels', backend: 's-1', mode: 'drain' }, 'unknown-pool', 'did you mean "spells"'],
  [{ type: 'DeregisterBackend', pool: 'spells', backend: 's-2' }, 'unknown-backend', 'did you mean "s-1"'],
  [{ type: 'DeregisterBackend', pool: 'spells', backend: 'quite-other' }, 'unknown-backend', 'known: s-1'],
  [{ type: 'RemoveListener', listener: 'wab' }, 'unknown-listener', 'did you mean "web"'],
  [{ type: 'RemovePool', pool: 'spells' }, 'pool-in-use', 'listener "web"'],
  [
    { type: 'DefineListener', listener: 'two', bind: '127.0.0.1:8080', pool: 'spells' },
    'bind-in-use',
    'listener "web"',
  ],
  [{ type: 'DefineListener', listener: 'two', bind: '127.0.0.1:8081', pool: 'nope' }, 'unknown-pool', 'known: spells'],
  [
    {
      type: 'DefineListener',
      listener: 'two',
      bind: '127.0.0.1:8081',
      protocol: 'http',
      routes: [{ path: '/v1', pool: 'spells' }, { pool: 'spels' }],
    },
    'unknown-pool',
    'no pool "spels"; did you mean "spells"?',
  ],
])('%j is refused: %s', (command, reason, hint) => {
  const { decision } = execute(roster, command);
  expect(decision).toMatchObject({ outcome: 'refused', reason });
  expect(decision.outcome === 'refused' && decision.message).toContain(hint);
});

test.each<[string[] | undefined, string[] | undefined, string]>([
  [['lb-1'], ['lb-2', 'lb-3'], 'accepted'],
  [['lb-1', 'lb-2'], ['lb-2', 'lb-3'], 'refused'],
  [['lb-1'], undefined, 'refused'],
  [undefined, ['lb-1'], 'refused'],
])('two listeners on one address, one on %j and one on %j: the second is %s', (first, second, outcome) => {
  const listener = (id: string, nodes: string[] | undefined): CommandInput => ({
    type: 'DefineListener',
    listener: id,
    bind: '127.0.0.1:8090',
    pool: 'spells',
    nodes,
  });
  const { roster: before } = execute(roster, listener('one', first));
  expect(execute(before, listener('two', second)).decision.outcome).toBe(outcome);
});

test('a pool that any route leads to stays, and the routes are compared in their order', () => {
  const listener = (...pools: string[]): CommandInput => ({
    type: 'DefineListener',
    listener: 'api',
    bind: '127.0.0.1:8090',
    protocol: 'http',
    routes: pools.map((pool, index) => ({ path: `/v${index + 1}`, pool })),
  });
  const { roster: withPool } = execute(roster, { type: 'DefinePool', pool: 'late' });
  const { roster: routed } = execute(withPool, listener('spells', 'late'));
  expect(execute(routed, listener('spells', 'late')).decision.outcome).toBe('unchanged');
  expect(execute(routed, listener('late', 'spells')).decision.outcome).toBe('accepted');
  expect(execute(routed, { type: 'RemovePool', pool: 'late' }).decision).toMatchObject({
    outcome: 'refused',
    reason: 'pool-in-use',
    message: 'listener "api" leads to pool "late"; remove or redirect it first',
  });
  const { roster: redirected } = execute(routed, listener('spells', 'spells'));
  expect(execute(redirected, { type: 'RemovePool', pool: 'late' }).decision.outcome).toBe('accepted');
});

test('a lease is part of what a registration says', () => {
  const register = (leaseMs?: number): CommandInput => ({
    type: 'RegisterBackend',
    pool: 'spells',
    backend: 's-1',
    target: '127.0.0.1:8001',
    leaseMs,
  });
  const { decision, roster: leased } = execute(roster, register(15_000));
  expect(decision).toMatchObject({ outcome: 'accepted', event: { leaseMs: 15_000 } });
  expect(execute(leased, register(15_000)).decision.outcome).toBe('unchanged');
  expect(execute(leased, register()).decision.outcome).toBe('accepted');
});

test.each([
  { origin: 'publisher:s-1', leaseMs: 15_000, outcome: 'accepted', mode: 'ready' },
  { origin: 'cli:alice', leaseMs: 15_000, outcome: 'unchanged', mode: 'drain' },
  { origin: 'publisher:s-1', leaseMs: undefined, outcome: 'unchanged', mode: 'drain' },
])('a drain that publisher:s-1 set, registered again: $outcome by $origin with lease $leaseMs', (given) => {
  const { origin, leaseMs, outcome, mode } = given;
  const name = { pool: 'spells', backend: 's-1' };
  const again: CommandInput = { type: 'RegisterBackend', ...name, target: '127.0.0.1:8001', leaseMs };
  const registered = execute(roster, again, origin).roster;
  const drained = execute(registered, { type: 'SetBackendMode', ...name, mode: 'drain' }, 'publisher:s-1').roster;
  const { decision, roster: after } = execute(drained, again, origin);
  expect(decision.outcome).toBe(outcome);
  expect(after.pools.get('spells')!.backends.get('s-1')!.mode.value).toBe(mode);
});

test('a drain on top of the one that a member set itself is recorded once, and stays when the member comes back', () => {
  const name = { pool: 'spells', backend: 's-1' };
  const register: CommandInput = { type: 'RegisterBackend', ...name, target: '127.0.0.1:8001', leaseMs: 15_000 };
  const drain: CommandInput = { type: 'SetBackendMode', ...name, mode: 'drain' };
  const registered = execute(roster, register, 'publisher:s-1').roster;
  const own = execute(registered, drain, 'publisher:s-1').roster;
  expect(execute(own, drain, 'publisher:s-1').decision.outcome).toBe('unchanged');
  const both = execute(own, drain, 'cli:alice').roster;
  expect(execute(both, drain, 'cli:bob').decision.outcome).toBe('unchanged');
  expect(execute(both, register, 'publisher:s-1').decision.outcome).toBe('unchanged');
  expect(both.pools.get('spells')!.backends.get('s-1')!.mode).toMatchObject({ value: 'drain', origin: 'cli:alice' });
});

test('what is accepted is never rejected by the fold, whatever the history', () => {
  fc.assert(
    fc.property(generatedHistory, (history) => {
      const reached = history.reduce((before, event) => fold(before, event).roster, emptyRoster('demo'));
      for (const pool of ['api', 'spells', 'web']) {
        for (const command of commandsOn(pool)) expect(execute(reached, command).rejection).toBeNull();
      }
    }),
    { numRuns: 200 },
  );
});
