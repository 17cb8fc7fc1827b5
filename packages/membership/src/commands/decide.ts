/**
 * decide: command × roster → the event to append, nothing to do, or a refusal. Pure.
 *
 * A refusal protects a person from a slip (a misspelt pool, removing a pool that a listener still feeds). It is not
 * what keeps the roster sound: events come from anybody, and the fold judges them by itself.
 */
import { z } from 'zod';
import type { Command } from './command.ts';
import {
  backendFields,
  listenerSpecSchema,
  poolSpecSchema,
  type ListenerSpec,
  type MembershipEvent,
  type PoolSpec,
} from '../vocabulary/event.ts';
import { endsOwnDrain } from '../fold/evolve.ts';
import { poolsOf } from '../vocabulary/http-fields.ts';
import { nearestName } from '../vocabulary/nearest-name.ts';
import { describeIssues } from '../vocabulary/recorded-event.ts';
import type { Backend, Pool, Roster } from '../fold/roster.ts';
import { mergePatch, type SpecChange } from './spec-change.ts';
import type { Entity } from '../vocabulary/subject.ts';

export type RefusalReason =
  | 'unknown-pool'
  | 'unknown-backend'
  | 'unknown-listener'
  | 'pool-in-use'
  | 'bind-in-use'
  /** It was asked for only if there is none. */
  | 'exists'
  /** It was asked for only at another revision. */
  | 'changed-meanwhile'
  /** The changed fields do not fit together with the others. */
  | 'invalid';

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

/**
 * `origin`: whose command it is, and under which its event will be recorded. Who set an entity last owns it; and a registration may
 * end what the same origin set.
 */
export function decide(roster: Roster, command: Command, origin: string | null): Decision {
  const refusal = refuseUnexpected(roster, command);
  if (refusal !== null) return refusal;
  switch (command.type) {
    case 'DefineListener': {
      const { type: _type, listener, expectedRevision: _expected, ...defined } = command;
      return decideListener(roster, listener, { ...taken(defined), origin });
    }
    case 'ChangeListener':
      return decideChangeListener(roster, command, origin);
    case 'RemoveListener':
      return decideRemoveListener(roster, command);
    case 'DefinePool': {
      const { type: _type, pool, expectedRevision: _expected, ...defined } = command;
      return decidePool(roster.pools.get(pool), pool, { ...taken(defined), origin });
    }
    case 'ChangePool':
      return withPool(roster, command.pool, (pool) => decideChangePool(pool, command, origin));
    case 'RemovePool':
      return decideRemovePool(roster, command);
    case 'RegisterBackend':
      return withPool(roster, command.pool, (pool) => decideRegister(pool, command, origin));
    case 'ChangeBackend':
      return withBackend(roster, command, (backend) => decideChangeBackend(backend, command));
    case 'SetBackendMode':
      return withBackend(roster, command, (backend) => decideMode(backend, command, origin));
    case 'DeregisterBackend':
      return withBackend(roster, command, (backend) =>
        accept(backendEntity(command), { type: 'BackendDeregistered', ...reasonOf(command) }, backend.revision),
      );
  }
}

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>;

/** Who sent the command may have decided it on an older roster, and says on which. */
function refuseUnexpected(roster: Roster, command: Command): Decision | null {
  const { expectedRevision } = command;
  const [kind, name, present] = entityOf(roster, command);
  const revision = present?.revision ?? 0;
  if (expectedRevision === undefined || expectedRevision === revision) return null;
  const by = present?.origin === undefined || present.origin === null ? '' : ` of ${present.origin}`;
  if (expectedRevision === 0) {
    const words = name.replace('/', ' ');
    const message = `${kind} "${name}" exists already, by event ${revision}${by}; to change it: muster ${kind} set ${words} …`;
    return { outcome: 'refused', reason: 'exists', message, suggestion: null };
  }
  const now = revision === 0 ? 'it was removed meanwhile' : `it is at revision ${revision} now, by an event${by}`;
  const message = `${kind} "${name}" is not at revision ${expectedRevision} any more: ${now}; look at it again`;
  return { outcome: 'refused', reason: 'changed-meanwhile', message, suggestion: null };
}

type Present = { readonly revision: number; readonly origin: string | null } | undefined;

function entityOf(roster: Roster, command: Command): readonly [kind: string, name: string, present: Present] {
  if ('listener' in command) return ['listener', command.listener, roster.listeners.get(command.listener)];
  const pool = roster.pools.get(command.pool);
  if (!('backend' in command)) return ['pool', command.pool, pool];
  return ['backend', `${command.pool}/${command.backend}`, pool?.backends.get(command.backend)];
}

/** A spec, and who is to own it in whose name. */
interface Defined<Spec> {
  readonly spec: Spec;
  readonly takeOver: boolean;
  readonly by: { readonly by?: string };
  readonly origin: string | null;
}

function taken<Fields extends { takeOver?: boolean | undefined; by?: string | undefined }>(fields: Fields) {
  const { takeOver = false, by, ...spec } = fields;
  return { spec, takeOver, by: by === undefined ? {} : { by } };
}

/** Whether there is nothing to append. A change of the owner alone is an event where it is asked for. */
function isSaid(
  before: { readonly spec: object; readonly origin: string | null },
  { spec, takeOver, origin }: Omit<Defined<object>, 'by'>,
): boolean {
  return isSame(before.spec, spec) && (!takeOver || before.origin === origin);
}

function decideListener(roster: Roster, id: string, defined: Defined<ListenerSpec>): Decision {
  const { spec } = defined;
  const missing = poolsOf(spec).find((pool) => !roster.pools.has(pool));
  if (missing !== undefined) return refuseUnknownPool(roster, missing);
  const before = roster.listeners.get(id);
  if (before !== undefined && isSaid(before, defined)) return { outcome: 'unchanged', revision: before.revision };
  for (const other of roster.listeners.values()) {
    if (other.id === id || other.spec.bind !== spec.bind || spec.bind.endsWith(':0')) continue;
    if (!shareNode(other.spec, spec)) continue;
    const message = `listener "${other.id}" is bound to ${spec.bind} already; choose another address or remove that one`;
    return { outcome: 'refused', reason: 'bind-in-use', message, suggestion: null };
  }
  const event = { type: 'ListenerDefined', ...spec, ...defined.by } as const;
  return accept({ kind: 'listener', listener: id }, event, before?.revision ?? 0);
}

function decideChangeListener(
  roster: Roster,
  { listener: id, change }: CommandOf<'ChangeListener'>,
  origin: string | null,
): Decision {
  const before = roster.listeners.get(id);
  if (before === undefined) return refuseUnknownListener(roster, id);
  const merged = listenerSpecSchema.safeParse(mergePatch(before.spec, change));
  if (!merged.success) return refuseInvalid(`listener "${id}"`, change, merged.error.issues);
  return decideListener(roster, id, { spec: merged.data, takeOver: false, by: {}, origin });
}

/** Whether some node would bind both; a listener without a list of nodes is bound by all. */
function shareNode({ nodes }: ListenerSpec, { nodes: others }: ListenerSpec): boolean {
  return nodes === undefined || others === undefined || nodes.some((node) => others.includes(node));
}

function decideRemoveListener(roster: Roster, command: CommandOf<'RemoveListener'>): Decision {
  const before = roster.listeners.get(command.listener);
  if (before === undefined) return refuseUnknownListener(roster, command.listener);
  const event = { type: 'ListenerRemoved', ...reasonOf(command) } as const;
  return accept({ kind: 'listener', listener: command.listener }, event, before.revision);
}

function decidePool(before: Pool | undefined, id: string, defined: Defined<PoolSpec>): Decision {
  if (before !== undefined && isSaid(before, defined)) return { outcome: 'unchanged', revision: before.revision };
  const event = { type: 'PoolDefined', ...defined.spec, ...defined.by } as const;
  return accept({ kind: 'pool', pool: id }, event, before?.revision ?? 0);
}

function decideChangePool(before: Pool, { change }: CommandOf<'ChangePool'>, origin: string | null): Decision {
  const merged = poolSpecSchema.safeParse(mergePatch(before.spec, change));
  if (merged.success) return decidePool(before, before.id, { spec: merged.data, takeOver: false, by: {}, origin });
  if (before.spec.health === undefined && isHealthOfNothing(change)) {
    const message = `pool "${before.id}" has no health check to change; say which: "http": "/path" or "tcp": true in health`;
    return { outcome: 'refused', reason: 'invalid', message, suggestion: null };
  }
  return refuseInvalid(`pool "${before.id}"`, change, merged.error.issues);
}

function isHealthOfNothing({ health }: SpecChange): boolean {
  return typeof health === 'object' && health !== null && !('http' in health) && !('tcp' in health);
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
  const { target, weight, leaseMs, takeOver = false, by } = command;
  const before = pool.backends.get(command.backend);
  const hasSameSpec = before?.target.value === target && before.weight.value === weight;
  const hasSameOwner = !takeOver || before?.origin === origin;
  const isRecorded = hasSameSpec && hasSameOwner && before.leaseMs === (leaseMs ?? null);
  if (isRecorded && !endsOwnDrain(before, { origin, leaseMs }))
    return { outcome: 'unchanged', revision: before.revision };
  const given = { ...(leaseMs !== undefined && { leaseMs }), ...(by !== undefined && { by }) };
  return accept(backendEntity(command), { type: 'BackendRegistered', target, weight, ...given }, before?.revision ?? 0);
}

/** The lease stays as it is: it is the member's own word. */
function decideChangeBackend(backend: Backend, command: CommandOf<'ChangeBackend'>): Decision {
  const { target, weight, leaseMs } = backend;
  const spec = backendSchema.safeParse(mergePatch({ target: target.value, weight: weight.value }, command.change));
  if (!spec.success) return refuseInvalid(`backend "${backend.pool}/${backend.id}"`, command.change, spec.error.issues);
  if (spec.data.target === target.value && spec.data.weight === weight.value) {
    return { outcome: 'unchanged', revision: backend.revision };
  }
  const lease = leaseMs === null ? {} : { leaseMs };
  const event = { type: 'BackendRegistered', ...spec.data, ...lease } as const;
  return accept(backendEntity(command), event, backend.revision);
}

const backendSchema = z.strictObject(backendFields);

/** A drain that a member set itself ends when it comes back; one that somebody else wants does not, and so is recorded. */
function decideMode(backend: Backend, command: CommandOf<'SetBackendMode'>, origin: string | null): Decision {
  const { mode, leaseMs } = backend;
  const isPassing = endsOwnDrain(backend, { origin: backend.origin, leaseMs: leaseMs ?? undefined });
  const isWanted = mode.value === command.mode && (!isPassing || mode.origin === origin);
  if (isWanted) return { outcome: 'unchanged', revision: mode.revision };
  const by = command.by === undefined ? {} : { by: command.by };
  const event = { type: 'BackendModeSet', mode: command.mode, ...reasonOf(command), ...by } as const;
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

function refuseUnknownListener(roster: Roster, id: string): Decision {
  const known = roster.listeners.keys();
  return refuseUnknown('unknown-listener', `there is no listener "${id}"`, { wrong: id, known });
}

/** Each field is right by itself, so one that is required was taken away, or one does not go with another. */
function refuseInvalid(what: string, change: SpecChange, issues: Parameters<typeof describeIssues>[0]): Decision {
  const needed = issues.map(({ path: [field] }) => String(field)).find((field) => change[field] === null);
  const why = needed === undefined ? describeIssues(issues) : `${needed} cannot be taken away`;
  const message = `${what} cannot be so: ${why}`;
  return { outcome: 'refused', reason: 'invalid', message, suggestion: null };
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
