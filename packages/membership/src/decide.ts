/**
 * decide: command × roster → the event to append, nothing to do, or a refusal. Pure.
 *
 * A refusal protects a person from a slip (a misspelt pool, removing a pool that a listener still feeds). It is not
 * what keeps the roster sound: events come from anybody, and the fold judges them by itself.
 */
import type { Command } from './command.ts';
import type { ListenerSpec, MembershipEvent } from './event.ts';
import { endsOwnDrain } from './evolve.ts';
import { poolsOf } from './http-words.ts';
import { nearestName } from './names.ts';
import type { Backend, Pool, Roster } from './roster.ts';
import type { Entity } from './subject.ts';

export type RefusalReason = 'unknown-pool' | 'unknown-backend' | 'unknown-listener' | 'pool-in-use' | 'bind-in-use';

export type Decision =
  | {
      readonly outcome: 'accepted';
      readonly entity: Entity;
      readonly event: MembershipEvent;
      /** What the command was decided on: the newest accepted event of the entity, 0 where there is none. */
      readonly expectedRevision: number;
    }
  /** The roster says so already, by the event at `revision`. */
  | { readonly outcome: 'unchanged'; readonly revision: number }
  | {
      readonly outcome: 'refused';
      readonly reason: RefusalReason;
      /** For people: what is wrong, and what to do. */
      readonly message: string;
      /** The name that was most likely meant, or null. */
      readonly suggestion: string | null;
    };

/** `origin`: whose command it is, and under which its event will be recorded; a registration may end what the same one set. */
export function decide(roster: Roster, command: Command, origin: string | null): Decision {
  switch (command.type) {
    case 'DefineListener':
      return decideDefineListener(roster, command);
    case 'RemoveListener':
      return decideRemoveListener(roster, command);
    case 'DefinePool':
      return decideDefinePool(roster, command);
    case 'RemovePool':
      return decideRemovePool(roster, command);
    case 'RegisterBackend':
      return withPool(roster, command.pool, (pool) => decideRegister(pool, command, origin));
    case 'SetBackendMode':
      return withBackend(roster, command, (backend) => decideMode(backend, command, origin));
    case 'DeregisterBackend':
      return withBackend(roster, command, (backend) =>
        accept(backendEntity(command), { type: 'BackendDeregistered', ...reasonOf(command) }, backend.revision),
      );
  }
}

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>;

function decideDefineListener(roster: Roster, command: CommandOf<'DefineListener'>): Decision {
  const { type: _type, listener: id, ...spec } = command;
  const missing = poolsOf(spec).find((pool) => !roster.pools.has(pool));
  if (missing !== undefined) return refuseUnknownPool(roster, missing);
  const before = roster.listeners.get(id);
  if (before !== undefined && isSame(before.spec, spec)) return { outcome: 'unchanged', revision: before.revision };
  for (const other of roster.listeners.values()) {
    if (other.id === id || other.spec.bind !== spec.bind || spec.bind.endsWith(':0')) continue;
    if (!shareNode(other.spec, spec)) continue;
    const message = `listener "${other.id}" is bound to ${spec.bind} already; choose another address or remove that one`;
    return { outcome: 'refused', reason: 'bind-in-use', message, suggestion: null };
  }
  return accept({ kind: 'listener', listener: id }, { type: 'ListenerDefined', ...spec }, before?.revision ?? 0);
}

/** Whether some node would bind both; a listener without a list of nodes is bound by all. */
function shareNode({ nodes }: ListenerSpec, { nodes: others }: ListenerSpec): boolean {
  return nodes === undefined || others === undefined || nodes.some((node) => others.includes(node));
}

function decideRemoveListener(roster: Roster, command: CommandOf<'RemoveListener'>): Decision {
  const before = roster.listeners.get(command.listener);
  if (before === undefined) {
    return refuseUnknown('unknown-listener', `there is no listener "${command.listener}"`, {
      wrong: command.listener,
      known: roster.listeners.keys(),
    });
  }
  const event = { type: 'ListenerRemoved', ...reasonOf(command) } as const;
  return accept({ kind: 'listener', listener: command.listener }, event, before.revision);
}

function decideDefinePool(roster: Roster, command: CommandOf<'DefinePool'>): Decision {
  const { type: _type, pool: id, ...spec } = command;
  const before = roster.pools.get(id);
  if (before !== undefined && isSame(before.spec, spec)) return { outcome: 'unchanged', revision: before.revision };
  return accept({ kind: 'pool', pool: id }, { type: 'PoolDefined', ...spec }, before?.revision ?? 0);
}

function decideRemovePool(roster: Roster, command: CommandOf<'RemovePool'>): Decision {
  return withPool(roster, command.pool, (pool) => {
    for (const listener of roster.listeners.values()) {
      if (!poolsOf(listener.spec).includes(pool.id)) continue;
      const message = `listener "${listener.id}" leads to pool "${pool.id}"; remove or redirect it first`;
      return { outcome: 'refused', reason: 'pool-in-use', message, suggestion: null };
    }
    return accept({ kind: 'pool', pool: pool.id }, { type: 'PoolRemoved', ...reasonOf(command) }, pool.revision);
  });
}

function decideRegister(pool: Pool, command: CommandOf<'RegisterBackend'>, origin: string | null): Decision {
  const { target, weight, leaseMs } = command;
  const before = pool.backends.get(command.backend);
  const hasSameSpec = before?.target.value === target && before.weight.value === weight;
  const isSaid = hasSameSpec && before.leaseMs === (leaseMs ?? null) && !endsOwnDrain(before, { origin, leaseMs });
  if (isSaid) return { outcome: 'unchanged', revision: before.revision };
  const event = { type: 'BackendRegistered', target, weight, ...(leaseMs !== undefined && { leaseMs }) } as const;
  return accept(backendEntity(command), event, before?.revision ?? 0);
}

/** A drain that a member set itself ends when it comes back; one that somebody else wants does not, and so is recorded. */
function decideMode(backend: Backend, command: CommandOf<'SetBackendMode'>, origin: string | null): Decision {
  const { mode, leaseMs } = backend;
  const isPassing = endsOwnDrain(backend, { origin: backend.origin, leaseMs: leaseMs ?? undefined });
  const isSaid = mode.value === command.mode && (!isPassing || mode.origin === origin);
  if (isSaid) return { outcome: 'unchanged', revision: mode.revision };
  const event = { type: 'BackendModeSet', mode: command.mode, ...reasonOf(command) } as const;
  return accept(backendEntity(command), event, backend.revision);
}

function withPool(roster: Roster, id: string, proceed: (pool: Pool) => Decision): Decision {
  const pool = roster.pools.get(id);
  return pool === undefined ? refuseUnknownPool(roster, id) : proceed(pool);
}

function withBackend(
  roster: Roster,
  name: { pool: string; backend: string },
  proceed: (backend: Backend) => Decision,
): Decision {
  return withPool(roster, name.pool, (pool) => {
    const backend = pool.backends.get(name.backend);
    if (backend !== undefined) return proceed(backend);
    return refuseUnknown('unknown-backend', `pool "${name.pool}" has no backend "${name.backend}"`, {
      wrong: name.backend,
      known: pool.backends.keys(),
    });
  });
}

function accept(entity: Entity, event: MembershipEvent, expectedRevision: number): Decision {
  return { outcome: 'accepted', entity, event, expectedRevision };
}

function refuseUnknownPool(roster: Roster, id: string): Decision {
  return refuseUnknown('unknown-pool', `there is no pool "${id}"`, { wrong: id, known: roster.pools.keys() });
}

function refuseUnknown(
  reason: RefusalReason,
  what: string,
  { wrong, known }: { wrong: string; known: Iterable<string> },
): Decision {
  const names = [...known];
  const suggestion = nearestName(wrong, names);
  const shown = names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '');
  const hint =
    suggestion !== null ? `did you mean "${suggestion}"?` : names.length > 0 ? `known: ${shown}` : 'none exists yet';
  return { outcome: 'refused', reason, message: `${what}; ${hint}`, suggestion };
}

function backendEntity({ pool, backend }: { pool: string; backend: string }): Entity {
  return { kind: 'backend', pool, backend };
}

function reasonOf({ reason }: { reason?: string | undefined }): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

/** Specs come out of their schemas with one order of keys, so equal text is equal content. */
function isSame(left: object, right: object): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
