/** Changes of some fields: they set what they name and nothing else, whoever changes what in between. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandSchema, type CommandInput } from './command.ts';
import { decide } from './decide.ts';
import { poolSpecSchema } from '../vocabulary/event.ts';
import { fold } from '../fold/evolve.ts';
import { emptyRoster, type Roster } from '../fold/roster.ts';
import { mergePatch } from './spec-change.ts';
import { formatSubject } from '../vocabulary/subject.ts';

function carryOut(roster: Roster, input: CommandInput, origin: string): Roster {
  const decision = decide(roster, commandSchema.parse(input), origin);
  if (decision.outcome === 'unchanged') return roster;
  if (decision.outcome === 'refused') throw new Error(decision.message);
  const revision = roster.revision + 1;
  const folded = fold(roster, {
    revision,
    timeMs: revision,
    id: `e${revision}`,
    subject: formatSubject('demo', decision.entity),
    origin,
    payload: JSON.stringify(decision.event),
  });
  expect(folded.rejection).toBeNull();
  return folded.roster;
}

const CONFIG = 'config:lb-1';
const ALICE = 'cli:alice@host';
const declared: CommandInput[] = [
  { type: 'DefinePool', pool: 'api', health: { http: '/healthz', intervalMs: 700 }, slowStartMs: 500 },
  { type: 'RegisterBackend', pool: 'api', backend: 'a', target: 'h:1', weight: 3, leaseMs: 5_000 },
  {
    type: 'DefineListener',
    listener: 'web',
    bind: 'h:80',
    protocol: 'http',
    routes: [{ path: '/v1', pool: 'api' }],
    accessLog: 'all',
  },
];
const roster = declared.reduce((before, command) => carryOut(before, command, CONFIG), emptyRoster('demo'));

test("a change of one field leaves a pool's others, its backends and their owners as they are", () => {
  const after = carryOut(roster, { type: 'ChangePool', pool: 'api', change: { policy: 'random' } }, ALICE);
  const [before, pool] = [roster.pools.get('api')!, after.pools.get('api')!];
  expect(pool.spec).toEqual({ ...before.spec, policy: 'random' });
  expect(pool.origin).toBe(ALICE);
  expect(pool.backends.get('a')).toBe(before.backends.get('a'));
});

test('tables are changed field by field, and null takes a field away', () => {
  const change = { health: { intervalMs: 900, http: null, expectedStatuses: null, tcp: true }, slowStartMs: null };
  const { spec } = carryOut(roster, { type: 'ChangePool', pool: 'api', change }, ALICE).pools.get('api')!;
  expect(spec.health).toMatchObject({ tcp: true, intervalMs: 900 });
  expect(spec.health).not.toHaveProperty('http');
  expect(spec).not.toHaveProperty('slowStartMs');
});

test("a backend keeps its weight or target, and a member its lease; a listener keeps what is http's", () => {
  const retargeted = carryOut(
    roster,
    { type: 'ChangeBackend', pool: 'api', backend: 'a', change: { target: 'h:2' } },
    ALICE,
  );
  expect(retargeted.pools.get('api')!.backends.get('a')).toMatchObject({
    target: { value: 'h:2' },
    weight: { value: 3 },
    leaseMs: 5_000,
  });
  const moved = carryOut(roster, { type: 'ChangeListener', listener: 'web', change: { bind: 'h:81' } }, ALICE);
  expect(moved.listeners.get('web')!.spec).toEqual({ ...roster.listeners.get('web')!.spec, bind: 'h:81' });
});

test.each<[CommandInput, string, string]>([
  [{ type: 'ChangePool', pool: 'aip', change: { policy: 'random' } }, 'unknown-pool', 'did you mean "api"'],
  [{ type: 'ChangeListener', listener: 'wab', change: { bind: 'h:1' } }, 'unknown-listener', 'did you mean "web"'],
  [{ type: 'ChangeListener', listener: 'web', change: { bind: null } }, 'invalid', 'bind cannot be taken away'],
  [{ type: 'ChangeListener', listener: 'web', change: { protocol: 'tcp' } }, 'invalid', 'listener "web" cannot be so'],
  [{ type: 'DefinePool', pool: 'api', expectedRevision: 0 }, 'exists', 'muster pool set api'],
  [{ type: 'RemovePool', pool: 'api', expectedRevision: 3 }, 'changed-meanwhile', 'it is at revision 1 now'],
  [{ type: 'RemoveListener', listener: 'gone', expectedRevision: 3 }, 'changed-meanwhile', 'it was removed meanwhile'],
])('%j is refused: %s', (command, reason, hint) => {
  const decision = decide(roster, commandSchema.parse(command), ALICE);
  expect(decision).toMatchObject({ outcome: 'refused', reason });
  expect(decision.outcome === 'refused' && decision.message).toContain(hint);
});

test.each([
  { policy: 'randm' },
  { polcy: 'random' },
  { health: { intervallMs: 5 } },
  { health: { rise: '3' } },
  { ejection: true },
])('a change %j is refused at the edge', (change) => {
  expect(commandSchema.safeParse({ type: 'ChangePool', pool: 'api', change }).success).toBe(false);
});

test('a health check is not made of its details alone', () => {
  const bare = carryOut(emptyRoster('demo'), { type: 'DefinePool', pool: 'p' }, CONFIG);
  const command = commandSchema.parse({ type: 'ChangePool', pool: 'p', change: { health: { rise: 3 } } });
  expect(decide(bare, command, ALICE)).toMatchObject({ reason: 'invalid', message: expect.stringContaining('tcp') });
});

test('the same words of another origin are an event only where it takes the thing over', () => {
  const again = commandSchema.parse(declared[0]);
  expect(decide(roster, again, ALICE).outcome).toBe('unchanged');
  expect(decide(roster, { ...again, takeOver: true } as typeof again, CONFIG).outcome).toBe('unchanged');
  const taken = carryOut(roster, { ...declared[0]!, takeOver: true } as CommandInput, ALICE);
  expect(taken.pools.get('api')).toMatchObject({ origin: ALICE, spec: roster.pools.get('api')!.spec });
});

test('who published it for somebody else is in the event, and not in the roster', () => {
  const [pool, backend, listener] = declared.map((command) => commandSchema.parse({ ...command, by: ALICE }));
  const decision = decide(emptyRoster('demo'), pool!, CONFIG);
  expect(decision).toMatchObject({ outcome: 'accepted', event: { by: ALICE } });
  const imported = [pool!, backend!, listener!].reduce(
    (before, command) => carryOut(before, command, CONFIG),
    emptyRoster('demo'),
  );
  expect(imported.digest).toEqual(roster.digest);
});

test('changes of different fields, decided one after the other, are all there at the end', () => {
  const field = fc.oneof(
    fc.record({ policy: fc.constantFrom('random', 'round_robin', 'least_requests') }),
    fc.record({ connectAttempts: fc.integer({ min: 1, max: 16 }) }),
    fc.record({ slowStartMs: fc.option(fc.integer({ min: 1, max: 9_000 })) }),
    fc.record({ health: fc.record({ rise: fc.integer({ min: 1, max: 9 }) }) }),
    fc.record({ health: fc.record({ fastIntervalMs: fc.option(fc.integer({ min: 50, max: 900 })) }) }),
  );
  fc.assert(
    fc.property(fc.array(field, { maxLength: 12 }), (changes) => {
      const after = changes.reduce(
        (before, change) => carryOut(before, { type: 'ChangePool', pool: 'api', change }, ALICE),
        roster,
      );
      const merged = changes.reduce<object>((spec, change) => mergePatch(spec, change), roster.pools.get('api')!.spec);
      expect(after.pools.get('api')!.spec).toEqual(poolSpecSchema.parse(merged));
    }),
    { seed: 7 },
  );
});
