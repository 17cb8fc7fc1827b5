/** The plan, by examples and by its two laws: applied once it leaves nothing to do, and it touches nobody else's things. */
import {
  commandSchema,
  decide,
  emptyRoster,
  fold,
  formatSubject,
  listenerSpecSchema,
  poolSpecSchema,
  type CommandInput,
  type Roster,
} from '@muster/membership';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeclaredRoster } from '../declared-roster.ts';
import { planApply } from './plan-apply.ts';
import { isEffective, type PlanStep } from './plan-step.ts';
import { planLines } from './plan-text.ts';

const ORIGIN = 'config:lb-1';
const AUTHOR = { origin: ORIGIN, takesOver: false };
const TAKING = { origin: ORIGIN, takesOver: true };

/** Decides and folds one command; throws where `decide` refuses. */
function carryOut(roster: Roster, command: CommandInput, origin: string | null): Roster {
  const decision = decide(roster, commandSchema.parse(command), origin);
  if (decision.outcome === 'unchanged') return roster;
  if (decision.outcome === 'refused') throw new Error(decision.message);
  const revision = roster.revision + 1;
  const subject = formatSubject(roster.cluster, decision.entity);
  const payload = JSON.stringify(decision.event);
  const { roster: after, rejection } = fold(roster, {
    revision,
    timeMs: revision,
    id: `e${revision}`,
    subject,
    origin,
    payload,
  });
  expect(rejection).toBeNull();
  return after;
}

function applyPlan(roster: Roster, steps: readonly PlanStep[], origin = ORIGIN): Roster {
  return steps.filter(isEffective).reduce((before, { command }) => carryOut(before, command, origin), roster);
}

function rosterOf(...commands: (readonly [CommandInput, string | null])[]): Roster {
  return commands.reduce((roster, [command, origin]) => carryOut(roster, command, origin), emptyRoster('default'));
}

/** A tcp listener where it leads to one pool, else an http listener with a route by path to each. */
function leadingTo(pools: readonly string[]) {
  const [pool, ...others] = pools;
  if (others.length === 0) return { pool };
  return { protocol: 'http' as const, routes: pools.map((id) => ({ path: `/${id}`, pool: id })) };
}

function declare(
  pools: Record<string, Record<string, string>>,
  listeners: Record<string, readonly [bind: string, ...pools: string[]]> = {},
): DeclaredRoster {
  return {
    pools: Object.entries(pools).map(([id, backends]) => ({
      id,
      spec: poolSpecSchema.parse({}),
      backends: Object.entries(backends).map(([backend, target]) => ({ id: backend, target, weight: 1 })),
    })),
    listeners: Object.entries(listeners).map(([id, [bind, ...pools]]) => ({
      id,
      spec: listenerSpecSchema.parse({ bind, ...leadingTo(pools) }),
    })),
  };
}

function plan(roster: Roster, declared: DeclaredRoster): string[] {
  return planLines(planApply(roster, declared, AUTHOR));
}

function registration(backend: string, target: string) {
  return { type: 'RegisterBackend', pool: 'spells', backend, target } as const;
}

describe('by example', () => {
  const declared = declare({ spells: { a: 'h:1' } }, { web: ['h:80', 'spells'] });
  const applied = applyPlan(emptyRoster('default'), planApply(emptyRoster('default'), declared, AUTHOR));

  test('a new config is added from pools over backends to listeners', () => {
    const lines = plan(emptyRoster('default'), declared);
    expect(lines.map((line) => line.split('   ')[0]!.trim())).toEqual([
      '+ pool spells',
      '+ backend spells/a',
      '+ listener web',
    ]);
    expect(lines[1]).toBe('+ backend spells/a   target h:1, weight 1');
  });

  test('what is there already is counted', () => {
    expect(plan(applied, declared)).toEqual(['= 3 unchanged']);
  });

  test('a changed field is shown with both values', () => {
    const [pool] = declared.pools;
    const changed = { ...declared, pools: [{ ...pool!, spec: poolSpecSchema.parse({ connectTimeoutMs: 400 }) }] };
    expect(plan(applied, changed)).toEqual(['~ pool spells   connectTimeoutMs 5000 → 400', '= 2 unchanged']);
  });

  test('what is no longer declared goes from listeners over backends to pools', () => {
    expect(plan(applied, declare({}))).toEqual(['- listener web', '- backend spells/a', '- pool spells']);
  });

  test('what somebody else owns is left alone, and is unchanged where it says the same', () => {
    const roster = carryOut(
      applied,
      { type: 'RegisterBackend', pool: 'spells', backend: 'b', target: 'h:2' },
      'cli:alice',
    );
    expect(plan(roster, declared)).toEqual(['= 3 unchanged']);
    expect(plan(roster, declare({ spells: { a: 'h:1', b: 'h:2' } }, { web: ['h:80', 'spells'] }))).toEqual([
      '= 4 unchanged',
    ]);
    expect(plan(roster, declare({ spells: { a: 'h:1', b: 'h:3' } }, { web: ['h:80', 'spells'] }))).toEqual([
      '! backend spells/b   left alone: it differs from the file, by cli:alice: target is h:2, the file says h:3',
      '= 3 unchanged',
    ]);
  });

  test('what an operator changed is told with the event that did it, and taken back where that is asked for', () => {
    const change: CommandInput = { type: 'ChangePool', pool: 'spells', change: { policy: 'random' } };
    const roster = carryOut(applied, change, 'cli:alice');
    expect(plan(roster, declared)).toEqual([
      '! pool spells   left alone: it differs from the file since event 4, by cli:alice: policy is random, the file says round_robin',
      '= 2 unchanged',
    ]);
    const taking = planApply(roster, declared, TAKING);
    expect(planLines(taking)).toEqual([
      '~ pool spells   policy random → round_robin; taken over from cli:alice',
      '= 2 unchanged',
    ]);
    expect(applyPlan(roster, taking).pools.get('spells')).toMatchObject({
      origin: ORIGIN,
      spec: { policy: 'round_robin' },
    });
  });

  test('what is as the file says it, and of somebody else, becomes the own of who takes over', () => {
    const roster = carryOut(applied, { ...registration('a', 'h:1'), takeOver: true }, 'cli:alice');
    expect(plan(roster, declared)).toEqual(['= 3 unchanged']);
    const taking = planApply(roster, declared, TAKING);
    expect(planLines(taking)).toEqual(['~ backend spells/a   taken over from cli:alice', '= 2 unchanged']);
    expect(applyPlan(roster, taking).pools.get('spells')!.backends.get('a')!.origin).toBe(ORIGIN);
  });

  test('a step is refused where somebody changed the same thing since it was planned', () => {
    const changed = declare({ spells: { a: 'h:9' } }, { web: ['h:81', 'spells'] });
    const steps = planApply(applied, changed, AUTHOR).filter(isEffective);
    const alice: CommandInput[] = [
      { type: 'ChangeBackend', pool: 'spells', backend: 'a', change: { weight: 7 } },
      { type: 'ChangeListener', listener: 'web', change: { idleTimeoutMs: 900 } },
    ];
    const meanwhile = alice.reduce((roster, command) => carryOut(roster, command, 'cli:alice'), applied);
    expect(steps).toHaveLength(2);
    for (const { command } of steps) {
      expect(decide(meanwhile, commandSchema.parse(command), ORIGIN)).toMatchObject({ reason: 'changed-meanwhile' });
    }
  });

  test('a pool that holds a backend of somebody else stays', () => {
    const roster = carryOut(applied, { type: 'RegisterBackend', pool: 'spells', backend: 'b', target: 'h:2' }, null);
    expect(plan(roster, declare({})).at(-1)).toContain('backend b in it is owned by a publisher that gave no name');
  });

  test('a pool that a listener of somebody else feeds stays', () => {
    const roster = carryOut(
      applied,
      { type: 'DefineListener', listener: 'other', bind: 'h:81', pool: 'spells' },
      'sdk:x',
    );
    expect(plan(roster, declare({})).at(-1)).toContain('listener other still leads to it');
  });

  test('a pool that a route of somebody else leads to stays', () => {
    const other = { type: 'DefineListener', listener: 'other', bind: 'h:81', ...leadingTo(['spells', 'api']) } as const;
    const withApi = carryOut(applied, { type: 'DefinePool', pool: 'api' }, 'sdk:x');
    expect(plan(carryOut(withApi, other, 'sdk:x'), declare({})).at(-1)).toContain('listener other still leads to it');
  });

  test("a backend's mode is not the config's business", () => {
    const drained = carryOut(
      applied,
      { type: 'SetBackendMode', pool: 'spells', backend: 'a', mode: 'drain' },
      'cli:alice',
    );
    expect(plan(drained, declared)).toEqual(['= 3 unchanged']);
  });

  test('a member with a lease is not what the config declares', () => {
    const roster = carryOut(
      applied,
      { type: 'RegisterBackend', pool: 'spells', backend: 'b', target: 'h:2', leaseMs: 5_000 },
      'sdk:spells',
    );
    expect(plan(roster, declare({ spells: { a: 'h:1', b: 'h:2' } }, { web: ['h:80', 'spells'] }))).toEqual([
      '! backend spells/b   left alone: it differs from the file, by sdk:spells: leaseMs is 5000, the file says not set',
      '= 3 unchanged',
    ]);
    const own = carryOut(
      applied,
      { type: 'RegisterBackend', pool: 'spells', backend: 'a', target: 'h:1', leaseMs: 5_000 },
      ORIGIN,
    );
    expect(plan(own, declared)).toEqual(['~ backend spells/a   leaseMs 5000 → not set', '= 2 unchanged']);
    expect(plan(applyPlan(own, planApply(own, declared, AUTHOR)), declared)).toEqual(['= 3 unchanged']);
  });

  test('the nodes of a listener and the view of a pool are fields like others', () => {
    const changed: DeclaredRoster = {
      pools: [{ ...declared.pools[0]!, spec: poolSpecSchema.parse({ healthView: 'quorum' }) }],
      listeners: [{ id: 'web', spec: { ...declared.listeners[0]!.spec, nodes: ['lb-1', 'lb-2'] } }],
    };
    expect(plan(applied, changed)).toEqual([
      '~ pool spells    healthView own → quorum',
      '~ listener web   nodes not set → ["lb-1","lb-2"]',
      '= 1 unchanged',
    ]);
    expect(plan(applyPlan(applied, planApply(applied, changed, AUTHOR)), changed)).toEqual(['= 3 unchanged']);
  });

  test('routes and ejection are told as people say them', () => {
    const two = declare({ api: {}, spells: {} }, { web: ['h:80', 'api', 'spells'] });
    expect(plan(emptyRoster('default'), two).at(-1)).toContain('routes + */api → api, + */spells → spells');
    const before = applyPlan(emptyRoster('default'), planApply(emptyRoster('default'), two, AUTHOR));
    const listener = { host: '*.example.com', path: '/v2', pool: 'spells', stripPrefix: true };
    const changed: DeclaredRoster = {
      pools: [{ ...two.pools[0]!, spec: poolSpecSchema.parse({ ejection: false, slowStartMs: 500 }) }, two.pools[1]!],
      listeners: [
        {
          id: 'web',
          spec: listenerSpecSchema.parse({
            bind: 'h:80',
            protocol: 'http',
            routes: [{ path: '/api', pool: 'api' }, listener],
          }),
        },
      ],
    };
    expect(plan(before, changed)).toEqual([
      '~ pool api       ejection not set → false, slowStartMs not set → 500',
      '~ listener web   routes + *.example.com[/v2] → spells, - */spells → spells',
      '= 1 unchanged',
    ]);
    const reversed = declare({ api: {}, spells: {} }, { web: ['h:80', 'spells', 'api'] });
    expect(plan(before, reversed)).toEqual(['~ listener web   routes in another order', '= 2 unchanged']);
  });

  test('one address may have a listener on each node', () => {
    const roster = rosterOf(
      [{ type: 'DefinePool', pool: 'p' }, 'sdk:x'],
      [{ type: 'DefineListener', listener: 'theirs', bind: 'h:1', pool: 'p', nodes: ['lb-2'] }, 'sdk:x'],
    );
    const mine = (nodes: string[]): DeclaredRoster => ({
      pools: [],
      listeners: [{ id: 'mine', spec: listenerSpecSchema.parse({ bind: 'h:1', pool: 'p', nodes }) }],
    });
    expect(plan(roster, mine(['lb-1']))).toEqual([expect.stringMatching(/^\+ listener mine/)]);
    const both = applyPlan(roster, planApply(roster, mine(['lb-1']), AUTHOR));
    expect(plan(both, mine(['lb-1']))).toEqual(['= 1 unchanged']);
    expect(plan(roster, mine(['lb-1', 'lb-2']))).toEqual([
      '! listener mine   left alone: listener theirs, owned by sdk:x, is bound to h:1',
    ]);
  });

  test('two listeners may swap their addresses', () => {
    const two = declare({ p: {} }, { a: ['h:1', 'p'], b: ['h:2', 'p'] });
    const roster = applyPlan(emptyRoster('default'), planApply(emptyRoster('default'), two, AUTHOR));
    const swapped = declare({ p: {} }, { a: ['h:2', 'p'], b: ['h:1', 'p'] });
    const after = applyPlan(roster, planApply(roster, swapped, AUTHOR));
    expect(plan(after, swapped)).toEqual(['= 3 unchanged']);
  });

  test('an address that a listener of somebody else has is left to it', () => {
    const roster = rosterOf(
      [{ type: 'DefinePool', pool: 'p' }, 'sdk:x'],
      [{ type: 'DefineListener', listener: 'theirs', bind: 'h:1', pool: 'p' }, 'sdk:x'],
    );
    expect(plan(roster, declare({ p: {} }, { mine: ['h:1', 'p'] }))).toEqual([
      '! listener mine   left alone: listener theirs, owned by sdk:x, is bound to h:1',
      '= 1 unchanged',
    ]);
  });
});

describe('laws', () => {
  const id = fc.constantFrom('a', 'b', 'c');
  const bind = fc.constantFrom('h:1', 'h:2', 'h:3', 'h:0');
  const origin = fc.constantFrom(ORIGIN, 'cli:alice', null);
  const command: fc.Arbitrary<CommandInput> = fc.oneof(
    fc.record({ type: fc.constant('DefinePool' as const), pool: id, connectAttempts: fc.constantFrom(2, 3) }),
    fc.record({
      type: fc.constant('RegisterBackend' as const),
      pool: id,
      backend: id,
      target: fc.constantFrom('h:8', 'h:9'),
    }),
    fc
      .record({ listener: id, bind, pools: fc.uniqueArray(id, { minLength: 1 }) })
      .map(({ pools, ...rest }) => ({ type: 'DefineListener' as const, ...rest, ...leadingTo(pools) })),
    fc.record({ type: fc.constant('RemovePool' as const), pool: id }),
  );
  /** A roster that several publishers have made; commands that make no sense are passed over. */
  const roster = fc.array(fc.tuple(command, origin), { maxLength: 30 }).map((entries) =>
    entries.reduce((before, [next, by]) => {
      const decision = decide(before, commandSchema.parse(next), by);
      return decision.outcome === 'accepted' ? carryOut(before, next, by) : before;
    }, emptyRoster('default')),
  );
  const declared: fc.Arbitrary<DeclaredRoster> = fc
    .record({
      pools: fc.dictionary(id, fc.dictionary(id, fc.constantFrom('h:8', 'h:9'))),
      listeners: fc.uniqueArray(fc.tuple(id, bind), { selector: ([name]) => name }),
    })
    .map(({ pools, listeners }) => {
      const names = Object.keys(pools);
      const taken = new Set<string>();
      const unique = listeners.filter(
        ([, address]) => address === 'h:0' || (!taken.has(address) && taken.add(address)),
      );
      return declare(
        pools,
        names.length === 0
          ? {}
          : Object.fromEntries(unique.map(([name, at], index) => [name, [at, ...names.slice(0, index + 1)]])),
      );
    });

  test('every step is accepted, and a second plan finds nothing to do', () => {
    fc.assert(
      fc.property(roster, declared, (before, wanted) => {
        const after = applyPlan(before, planApply(before, wanted, AUTHOR));
        expect(planApply(after, wanted, AUTHOR).filter(isEffective)).toEqual([]);
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  test('taken over, everything declared is as the file says and its own', () => {
    fc.assert(
      fc.property(roster, declared, (before, wanted) => {
        const steps = planApply(before, wanted, TAKING);
        const isBlocked = new Set(steps.filter(({ action }) => action === 'left-alone').map(({ name }) => name));
        const after = applyPlan(before, steps);
        for (const { id, spec, backends } of wanted.pools) {
          expect(after.pools.get(id)).toMatchObject({ spec, origin: ORIGIN });
          for (const backend of backends) {
            const found = after.pools.get(id)!.backends.get(backend.id)!;
            expect([found.target.value, found.origin]).toEqual([backend.target, ORIGIN]);
          }
        }
        for (const { id, spec } of wanted.listeners.filter((listener) => !isBlocked.has(listener.id))) {
          expect(after.listeners.get(id)).toMatchObject({ spec, origin: ORIGIN });
        }
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  test("other origins' things are the same afterwards", () => {
    const theirs = (of: Roster) => [
      ...[...of.pools.values()]
        .filter((pool) => pool.origin !== ORIGIN)
        .map((pool) => [pool.id, pool.spec, pool.origin]),
      ...[...of.pools.values()].flatMap((pool) =>
        [...pool.backends.values()].filter((backend) => backend.origin !== ORIGIN),
      ),
      ...[...of.listeners.values()].filter((listener) => listener.origin !== ORIGIN),
    ];
    fc.assert(
      fc.property(roster, declared, (before, wanted) => {
        expect(theirs(applyPlan(before, planApply(before, wanted, AUTHOR)))).toEqual(theirs(before));
      }),
      { numRuns: 500, seed: 11 },
    );
  });
});
