/** `muster listener …`: what there is to type, and how a route is written on a command line. */
import type { Route } from '@muster/membership';
import { InvalidArgumentError, type Command } from 'commander';
import { wholeNumber, withReason } from './command-options.ts';
import type { OpenSession } from './session.ts';

interface ListenerOptions {
  readonly bind: string;
  readonly pool?: string;
  readonly route?: readonly Route[];
  readonly protocol?: string;
  readonly idleTimeoutMs?: number;
  readonly nodes?: string[];
  readonly jsonSpec?: string;
}

export function addListenerCommands(program: Command, openSession: OpenSession): void {
  const listener = program.command('listener').description('add, move, remove and show listeners');
  addDefinition(listener, openSession);
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
  listener
    .command('add <id>')
    .description('define a listener, or define it anew: what is not given has its default')
    .requiredOption('--bind <address>', 'HOST:PORT; port 0 for any free one')
    .option('--pool <id>', 'the pool that takes its connections or requests')
    .option(
      '--route <HOST/PATH=POOL>',
      'in place of --pool, as often as needed: api.example.com/v1=api, *.example.com=web, /=rest; a prefix in brackets is taken off: [/v1]=api',
      collectRoutes,
    )
    .option('--protocol <tcp|http>', 'what is spoken on it (default tcp; with --route http)')
    .option(
      '--idle-timeout-ms <ms>',
      'a connection (http: a tunnel) without a byte for so long is closed (default 3600000)',
      wholeNumber,
    )
    .option('--nodes <ids>', 'the nodes that listen, for example lb-1,lb-2; every node when left out', names)
    .option('--json-spec <json>', 'any further field of ListenerDefined, as a JSON object')
    .action(async (id: string, { route: routes, jsonSpec, ...fields }: ListenerOptions) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      const { leadsTo } = await import('../config/listener-text.ts');
      const protocol = fields.protocol ?? (routes === undefined ? undefined : 'http');
      const command = commandFrom('DefineListener', { listener: id, ...fields, routes, protocol }, jsonSpec);
      const leads =
        fields.pool === undefined
          ? routes === undefined
            ? ''
            : `: ${leadsTo({ routes: [...routes] })}`
          : ` for pool ${fields.pool}`;
      await sendCommand(await openSession(), command, `listener ${id} defined on ${fields.bind}${leads}`);
    });
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
