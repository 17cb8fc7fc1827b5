/** `muster pool …`: what there is to type. `add` defines what is not there, `set` changes what it names of what is there. */
import type { SpecChange } from '@muster/membership';
import type { Command } from 'commander';
import { ratio, unsetFields, wholeNumber, withReason, withRows, withTime } from '../command-options.ts';
import type { ListOptions } from './entity-commands.ts';
import type { OpenSession } from '../session.ts';

interface PoolFields {
  readonly policy?: string;
  readonly hashKey?: string;
  readonly panicThreshold?: number;
  readonly slowStartMs?: number;
  readonly connectTimeoutMs?: number;
  readonly connectAttempts?: number;
  readonly maxConnectionsPerBackend?: number;
  readonly onRemoval?: string;
  readonly drainTimeoutMs?: number;
  readonly healthHttp?: string;
  readonly healthTcp?: true;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly rise?: number;
  readonly fall?: number;
  readonly healthView?: string;
}

export function addPoolCommands(program: Command, openSession: OpenSession): void {
  const pool = program.command('pool').description('add, change, remove and show pools');
  addDefinition(pool, openSession);
  addChange(pool, openSession);
  withReason(pool.command('remove <id>').description('remove a pool with its backends')).action(
    async (id: string, { reason }: { reason?: string }) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      await sendCommand(await openSession(), commandFrom('RemovePool', { pool: id, reason }), `pool ${id} removed`);
    },
  );
  withRows(pool.command('list'))
    .description('list pools')
    .action(async (options: ListOptions) => {
      const { listPools } = await import('./entity-commands.ts');
      await listPools(await openSession(), options);
    });
  pool
    .command('show <id>')
    .description('show a pool with all its fields and backends')
    .action(async (id: string) => {
      const { showPool } = await import('./entity-commands.ts');
      await showPool(await openSession(), id);
    });
}

function addDefinition(pool: Command, openSession: OpenSession): void {
  withFields(pool.command('add <id>').description('define a new pool; what is not given has its default'))
    .option('--json-spec <json>', 'any further field of PoolDefined, as a JSON object')
    .action(async (id: string, { jsonSpec, ...options }: PoolFields & { jsonSpec?: string }) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      const { health, ...fields } = poolFields(options);
      const wanted = { pool: id, ...fields, ...(health !== undefined && { health }), expectedRevision: 0 };
      await sendCommand(await openSession(), commandFrom('DefinePool', wanted, jsonSpec), `pool ${id} defined`);
    });
}

function addChange(pool: Command, openSession: OpenSession): void {
  withFields(pool.command('set <id>').description('change the named fields of a pool, and nothing else'))
    .option('--unset <fields>', 'take fields away, for example slowStartMs,health', unsetFields)
    .option('--json-spec <json>', 'any further field, as a JSON object; null takes one away')
    .action(async (id: string, options: PoolFields & { jsonSpec?: string; unset?: readonly string[] }) => {
      const { changeFrom, commandFrom, sendCommand } = await import('./entity-commands.ts');
      const { unset, jsonSpec, ...given } = options;
      const { health, ...fields } = poolFields(given);
      const change = changeFrom(
        { ...fields, ...(health !== undefined && { health: otherKind(health) }) },
        { unset, jsonSpec },
      );
      await sendCommand(await openSession(), commandFrom('ChangePool', { pool: id, change }), `pool ${id} changed`);
    });
}

/** A check of one kind has none of the other's fields. */
function otherKind(health: SpecChange): SpecChange {
  if ('tcp' in health) return { ...health, http: null, host: null, expectedStatuses: null };
  return 'http' in health ? { ...health, tcp: null } : health;
}

/** The options that were given, under the names of `PoolDefined`. */
function poolFields(options: PoolFields): { readonly health?: SpecChange } & SpecChange {
  const { healthHttp, healthTcp, intervalMs, timeoutMs, rise, fall, ...fields } = options;
  const checks = Object.entries({ http: healthHttp, tcp: healthTcp, intervalMs, timeoutMs, rise, fall });
  const given = checks.filter(([, value]) => value !== undefined);
  return given.length === 0 ? fields : { ...fields, health: Object.fromEntries(given) };
}

function withFields(command: Command): Command {
  command
    .option('--policy <name>', 'round_robin (default), least_requests, random or consistent_hash')
    .option('--hash-key <key>', 'what consistent_hash looks at (default client_address)');
  withTime(command, 'connect-timeout', 'a dial that takes longer has failed: 400ms, 5s (default 5s)');
  command
    .option('--connect-attempts <n>', 'per connection or request, each to another backend (default 2)', wholeNumber)
    .option('--max-connections-per-backend <n>', 'per worker; no limit when left out', wholeNumber)
    .option('--on-removal <close|drain>', 'connections to a target that left (default close)');
  withTime(command, 'drain-timeout', 'how long a draining backend keeps its connections (default 30s)');
  command
    .option('--health-http <path>', 'check with an HTTP GET of this path')
    .option('--health-tcp', 'check with a TCP connect');
  withTime(command, 'interval', 'from one probe to the next (default 5s)');
  withTime(command, 'timeout', 'a probe that takes longer has failed (default 2s)');
  command
    .option('--rise <n>', 'passed probes that turn a backend healthy (default 2)', wholeNumber)
    .option('--fall <n>', 'failed probes that turn it unhealthy (default 3)', wholeNumber)
    .option('--health-view <own|quorum>', "whose word on health counts: this node's own, or that of most live nodes")
    .option(
      '--panic-threshold <ratio>',
      'fewer eligible than this part: all take traffic (default 0.5, 0: never)',
      ratio,
    );
  return withTime(command, 'slow-start', 'over which a new backend grows to its full weight; at once when left out');
}
