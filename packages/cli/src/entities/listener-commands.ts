/** `muster listener …`: what there is to type, and how a route is written on a command line. */
import type { Route } from '@muster/membership';
import { InvalidArgumentError, type Command } from 'commander';
import { unsetFields, withReason, withTime } from '../command-options.ts';
import type { OpenSession } from '../session.ts';

interface ListenerFields {
  readonly bind?: string;
  readonly pool?: string;
  readonly route?: readonly Route[] | undefined;
  readonly protocol?: string;
  readonly idleTimeoutMs?: number;
  readonly nodes?: string[];
}

export function addListenerCommands(program: Command, openSession: OpenSession): void {
  const listener = program.command('listener').description('add, change, move, remove and show listeners');
  addDefinition(listener, openSession);
  addChange(listener, openSession);
  withReason(listener.command('remove <id>').description('stop listening; other listeners are not touched')).action(
    async (id: string, { reason }: { reason?: string }) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      const command = commandFrom('RemoveListener', { listener: id, reason });
      await sendCommand(await openSession(), command, `listener ${id} removed`);
    },
  );
  listener
    .command('list')
    .description('list listeners')
    .action(async () => {
      const { listListeners } = await import('./entity-commands.ts');
      await listListeners(await openSession());
    });
  listener
    .command('show <id>')
    .description('show a listener with all its fields and routes')
    .action(async (id: string) => {
      const { showListener } = await import('./entity-commands.ts');
      await showListener(await openSession(), id);
    });
}

function addDefinition(listener: Command, openSession: OpenSession): void {
  const add = listener.command('add <id>').description('define a new listener; what is not given has its default');
  withFields(add.requiredOption(...BIND_OPTION))
    .option('--json-spec <json>', 'any further field of ListenerDefined, as a JSON object')
    .action(async (id: string, { jsonSpec, route: routes, ...fields }: ListenerFields & { jsonSpec?: string }) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      const protocol = fields.protocol ?? (routes === undefined ? undefined : 'http');
      const wanted = { listener: id, ...fields, routes, protocol, expectedRevision: 0 };
      const what = `listener ${id} defined on ${fields.bind}${await destination({ ...fields, route: routes })}`;
      await sendCommand(await openSession(), commandFrom('DefineListener', wanted, jsonSpec), what);
    });
}

function addChange(listener: Command, openSession: OpenSession): void {
  const set = listener.command('set <id>').description('change the named fields of a listener, and nothing else');
  withFields(set.option(...BIND_OPTION))
    .option('--unset <fields>', 'take fields away, for example nodes,accessLog', unsetFields)
    .option('--json-spec <json>', 'any further field, as a JSON object; null takes one away')
    .action(async (id: string, options: ListenerFields & { jsonSpec?: string; unset?: readonly string[] }) => {
      const { changeFrom, commandFrom, sendCommand } = await import('./entity-commands.ts');
      const { unset, jsonSpec, route: routes, ...fields } = options;
      // It leads to one pool or has routes, so whichever is given takes the place of the other.
      const led = routes === undefined ? (fields.pool === undefined ? {} : { routes: null }) : { routes, pool: null };
      const change = changeFrom({ ...fields, ...led }, { unset, jsonSpec });
      await sendCommand(
        await openSession(),
        commandFrom('ChangeListener', { listener: id, change }),
        `listener ${id} changed`,
      );
    });
}

const BIND_OPTION = ['--bind <address>', 'where it listens: HOST:PORT; port 0 for any free one'] as const;

function withFields(command: Command): Command {
  command
    .option('--pool <id>', 'the pool that takes its connections or requests')
    .option(
      '--route <HOST/PATH=POOL>',
      'in place of --pool, as often as needed: api.example.com/v1=api, *.example.com=web, /=rest; a prefix in brackets is taken off: [/v1]=api',
      collectRoutes,
    )
    .option('--protocol <tcp|http>', 'what is spoken on it (default tcp; with --route http)');
  withTime(command, 'idle-timeout', 'a connection (http: a tunnel) without a byte for so long is closed (default 1h)');
  return command.option(
    '--nodes <ids>',
    'the nodes that listen, for example lb-1,lb-2; every node when left out',
    names,
  );
}

async function destination({ pool, route: routes }: ListenerFields): Promise<string> {
  if (pool !== undefined) return ` for pool ${pool}`;
  if (routes === undefined) return '';
  const { leadsTo } = await import('@muster/questions/text');
  return `: ${leadsTo({ routes: [...routes] })}`;
}

/** Whether the words are right is the node's to say: it says it of all fields alike. */
const ROUTE_PATTERN = /^(?<host>[^/[\]=]*)(?:\[(?<stripped>\/[^[\]]*)\]|(?<path>\/[^[\]]*))?=(?<pool>[^=]+)$/;

/** `api.example.com/v1=api`, `/v1=api`, `*=web`; `[/v1]=api`: the prefix is taken off. */
function collectRoutes(text: string, before: readonly Route[] = []): readonly Route[] {
  const found = ROUTE_PATTERN.exec(text)?.groups;
  if (found === undefined) throw new InvalidArgumentError('It must be HOST/PATH=POOL, such as api.example.com/v1=api.');
  const { host = '', stripped, path = stripped, pool = '' } = found;
  const route = {
    ...(host !== '' && host !== '*' && { host }),
    ...(path !== undefined && { path }),
    pool,
    ...(stripped !== undefined && { stripPrefix: true }),
  };
  return [...before, route];
}

function names(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}
