/**
 * An event as a line for people. The node's log and `muster events` say it alike.
 *
 *     backend spells/spells-1  registered 127.0.0.1:8001, weight 1  (config:lb-1)
 *
 * Whoever published an event decides what stands in it, so whatever a terminal could take for a command is shown escaped.
 */
import {
  clip,
  decodeEvent,
  parseSubject,
  type Entity,
  type MembershipEvent,
  type RecordedEvent,
} from '@muster/membership';
import { leadsTo } from './plain-text.ts';
import { printable, timeOfDay } from './plain-text.ts';

/** What happened to what, by whom: no revision and no time. */
export function describeEvent(recorded: RecordedEvent): string {
  const subject = parseSubject(recorded.subject);
  const by = recorded.origin === null ? '' : `  (${recorded.origin})`;
  if (subject === null) return printable(`${clip(recorded.subject, 120)}  not a subject of an event${by}`);
  const decoded = decodeEvent(recorded, subject.cluster);
  const entity = describeEntity(subject.entity);
  if ('reason' in decoded) return printable(`${entity}  not understood: ${decoded.message}${by}`);
  return printable(`${entity}  ${describeChange(decoded.event)}${publisher(recorded.origin, decoded.event)}`);
}

/** The whole line: `12  12:03:04.123  backend spells/spells-1  registered …`. */
export function eventLine(recorded: RecordedEvent): string {
  return `${recorded.revision}  ${timeOfDay(recorded.timeMs)}  ${describeEvent(recorded)}`;
}

/** `  (config:lb-1, by cli:alice@host)`: for whom, and by whom where that is somebody else. */
function publisher(origin: string | null, event: MembershipEvent): string {
  const by = 'by' in event ? event.by : undefined;
  if (by === undefined) return origin === null ? '' : `  (${origin})`;
  return origin === null ? `  (by ${by})` : `  (${origin}, by ${by})`;
}

function describeEntity(entity: Entity): string {
  switch (entity.kind) {
    case 'listener':
      return `listener ${entity.listener}`;
    case 'pool':
      return `pool ${entity.pool}`;
    case 'backend':
      return `backend ${entity.pool}/${entity.backend}`;
    case 'health':
      return `backend ${entity.pool}/${entity.backend}  seen by ${entity.node}`;
    case 'node':
      return `node ${entity.node}`;
  }
}

function describeChange(event: MembershipEvent): string {
  switch (event.type) {
    case 'ListenerDefined':
      return `defined on ${event.bind}${destination(event)}${onNodes(event.nodes)}`;
    case 'ListenerRemoved':
    case 'PoolRemoved':
      return `removed${because(event.reason)}`;
    case 'PoolDefined':
      return `defined: ${event.policy}, connect timeout ${event.connectTimeoutMs} ms${describeHealth(event)}`;
    case 'BackendRegistered':
      return `registered ${event.target}, weight ${event.weight}${leaseOf(event.leaseMs)}`;
    case 'BackendModeSet':
      return `set to ${event.mode}${because(event.reason)}`;
    case 'BackendDeregistered':
      return `deregistered${because(event.reason)}`;
    case 'BackendTurnedHealthy':
      return `turned healthy${because(event.reason)}`;
    case 'BackendTurnedUnhealthy':
      return `turned unhealthy${because(event.reason)}`;
    case 'BackendEjected':
      return `ejected${because(event.reason)}`;
    case 'BackendReinstated':
      return `reinstated${because(event.reason)}`;
    case 'NodeStarted':
      return event.workers === undefined ? 'started' : `started with ${event.workers} worker(s)`;
    case 'NodeStopped':
      return `stopped${because(event.reason)}`;
  }
}

function destination({ protocol, pool, routes }: Extract<MembershipEvent, { type: 'ListenerDefined' }>): string {
  const spoken = protocol === 'tcp' ? '' : ` (${protocol})`;
  return pool === undefined ? `${spoken}: ${leadsTo({ routes })}` : `${spoken} for pool ${pool}`;
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}

function onNodes(nodes: readonly string[] | undefined): string {
  return nodes === undefined ? '' : ` on ${nodes.join(', ')}`;
}

function leaseOf(leaseMs: number | undefined): string {
  return leaseMs === undefined ? '' : `, lease ${leaseMs} ms`;
}

function describeHealth({ health, healthView }: Extract<MembershipEvent, { type: 'PoolDefined' }>): string {
  if (health === undefined) return '';
  const what = 'http' in health ? `GET ${health.http}` : 'TCP connect';
  const view = healthView === 'own' ? '' : `, seen by a ${healthView}`;
  return `, health ${what} every ${health.intervalMs} ms${view}`;
}
