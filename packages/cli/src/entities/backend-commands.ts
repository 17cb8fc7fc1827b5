/** `muster backend …`: what there is to type. */
import { Argument, type Command } from 'commander';
import { wholeNumber, withReason, withRows } from '../command-options.ts';
import type { ListOptions } from './entity-commands.ts';
import type { OpenSession } from '../session.ts';

const TARGET_OPTION = ['--target <address>', 'HOST:PORT, [IPV6]:PORT or unix:/PATH'] as const;

export function addBackendCommands(program: Command, openSession: OpenSession): void {
  const backend = program.command('backend').description('add, change, drain, return and remove backends');
  addRegistration(backend, openSession);
  addModes(backend, openSession);
  withReason(backend.command('remove <pool> <id>').description('deregister a backend')).action(
    async (pool: string, id: string, { reason }: { reason?: string }) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      const command = commandFrom('DeregisterBackend', { pool, backend: id, reason });
      await sendCommand(await openSession(), command, `backend ${pool}/${id} removed`);
    },
  );
  withRows(backend.command('list'))
    .addArgument(new Argument('[pool]', 'this pool alone'))
    .description('list backends with their health and what keeps them out')
    .action(async (pool: string | undefined, options: ListOptions) => {
      const { listBackends } = await import('./entity-commands.ts');
      await listBackends(await openSession(), pool, options);
    });
}

function addRegistration(backend: Command, openSession: OpenSession): void {
  backend
    .command('add <pool> <id>')
    .description('register a new backend')
    .requiredOption(...TARGET_OPTION)
    .option('--weight <n>', 'its share of new connections, 1 to 1000 (default 1)', wholeNumber)
    .action(async (pool: string, id: string, options: { target: string; weight?: number }) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      const command = commandFrom('RegisterBackend', { pool, backend: id, ...options, expectedRevision: 0 });
      await sendCommand(await openSession(), command, `backend ${pool}/${id} registered at ${options.target}`);
    });
  backend
    .command('set <pool> <id>')
    .description('give a backend another target or weight, and change nothing else')
    .option(...TARGET_OPTION)
    .option('--weight <n>', 'its share of new connections, 1 to 1000', wholeNumber)
    .action(async (pool: string, id: string, fields: { target?: string; weight?: number }) => {
      const { changeFrom, commandFrom, sendCommand } = await import('./entity-commands.ts');
      const command = commandFrom('ChangeBackend', { pool, backend: id, change: changeFrom(fields, {}) });
      await sendCommand(await openSession(), command, `backend ${pool}/${id} changed`);
    });
}

function addModes(backend: Command, openSession: OpenSession): void {
  const modes = {
    drain: 'no new connections; open ones may finish',
    ready: 'take traffic again',
    maint: 'left alone: no traffic until it is made ready',
  };
  for (const [mode, description] of Object.entries(modes)) {
    withReason(backend.command(`${mode} <pool> <id>`).description(description)).action(
      async (pool: string, id: string, { reason }: { reason?: string }) => {
        const { commandFrom, sendCommand } = await import('./entity-commands.ts');
        const command = commandFrom('SetBackendMode', { pool, backend: id, mode, reason });
        await sendCommand(await openSession(), command, `backend ${pool}/${id} set to ${mode}`);
      },
    );
  }
}
