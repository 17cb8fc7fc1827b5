/**
 * The command line: what there is to type. Each command loads what it needs when it runs, so that `muster status` does not
 * pay for the server.
 */
import { VERSION } from '@muster/membership/version';
import { Command } from 'commander';
import type { ApplyOptions } from './apply-command.ts';
import { addBackendCommands } from './entities/backend-commands.ts';
import { milliseconds, moment, timeSpan, wholeNumber } from './command-options.ts';
import type { EventsOptions } from './events-command.ts';
import type { ImportOptions } from './import-command.ts';
import { addInspectCommand } from './inspect-command.ts';
import { addListenerCommands } from './entities/listener-commands.ts';
import { addQuestionCommands } from './question-commands.ts';
import { addPoolCommands } from './entities/pool-commands.ts';
import type { StatusOptions } from './status/status-command.ts';
import type { GlobalOptions, OpenSession, SessionSurroundings } from './session.ts';
import { writeError, writeText } from '@muster/questions/text';

const EXIT_CODES_HELP = `
Exit codes: 0 done, 1 failed, refused or not in force, 2 the command line makes
no sense. Times are shown in this machine's time zone.`;

/** Called with the exit code of a command that has one of its own. */
export type SetExitCode = (code: number) => void;

/** A command that the binary brings: it runs a node or a program, or works on files of this machine. */
export type AddCommand = (program: Command, openSession: OpenSession, setExitCode: SetExitCode) => void;

/** What the process around the command line gives it: the binary alone reads the environment, hears signals and runs nodes. */
export interface Surroundings extends SessionSurroundings {
  readonly up: AddCommand;
  readonly journal: AddCommand;
  readonly agent: AddCommand;
}

export function createProgram(surroundings: Surroundings, setExitCode: SetExitCode): Command {
  const program = new Command('muster')
    .description('A load balancer whose memory is a log of events.')
    .exitOverride()
    .configureOutput({ writeOut: writeText, writeErr: (text) => writeError(...text.trimEnd().split('\n')) })
    .showHelpAfterError('(muster --help lists the commands)')
    .option('--admin <url>', "the node's admin API (env MUSTER_ADMIN; default http://127.0.0.1:9900)")
    .option('--json', 'answer with JSON, errors too: {"error": {"code", "message", "suggestion"?}}')
    .option('--wide', "do not cut tables to the terminal's width")
    .version(VERSION, '-V, --version', 'print the version')
    .addHelpText('after', EXIT_CODES_HELP);
  const openSession: OpenSession = async () => {
    const { Session } = await import('./session.ts');
    return new Session(program.opts<GlobalOptions>(), surroundings);
  };
  surroundings.up(program, openSession, setExitCode);
  addNodeCommands(program, openSession, setExitCode);
  addHistoryCommands(program, openSession);
  addSchemaCommand(program);
  addInspectCommand(program, openSession);
  surroundings.journal(program, openSession, setExitCode);
  surroundings.agent(program, openSession, setExitCode);
  addBackendCommands(program, openSession);
  addPoolCommands(program, openSession);
  addListenerCommands(program, openSession);
  addEventsCommand(program, openSession);
  addQuestionCommands(program, openSession);
  for (const command of program.commands) nameHelp(command, ['muster']);
  return program;
}

/** After a mistake, the help that is about the command that was meant. */
function nameHelp(command: Command, before: readonly string[]): void {
  const words = [...before, command.name()];
  command.showHelpAfterError(`(${words.join(' ')} --help says what there is)`);
  for (const inner of command.commands) nameHelp(inner, words);
}

function addNodeCommands(program: Command, openSession: OpenSession, setExitCode: SetExitCode): void {
  program
    .command('apply')
    .description('bring a running node to what a config declares')
    .requiredOption('-f, --file <file>', 'the config; - for the standard input')
    .option('--dry-run', 'only show what would change')
    .option('--take-over', 'what the file declares becomes its own, whoever changed it last')
    .option('--allow-removals', 'also where most of what this config owns goes')
    .option('--other-node', 'also where the file is the config of another node')
    .option('--no-wait', 'do not wait for the outcome')
    .option('--timeout <time>', 'how long to wait for it: 500ms, 10s, 1m (default 10s)', milliseconds, 10_000)
    .addHelpText('after', APPLY_HELP)
    .action(async (options: ApplyOptions) => {
      const { applyFile } = await import('./apply-command.ts');
      setExitCode(await applyFile(await openSession(), options));
    });
  program
    .command('import')
    .description('publish again what was listed or exported, under the origins that owned it')
    .argument('<file>', 'a listing with --json or an incident file; - for a listing on the standard input')
    .option('--dry-run', 'only show what would change')
    .option('--replace', 'what is there and differs is made as the file says')
    .action(async (file: string, options: ImportOptions) => {
      const { importFile } = await import('./import-command.ts');
      setExitCode(await importFile(await openSession(), file, options));
    });
  program
    .command('status')
    .description('show the node, its listeners, pools and workers')
    .option('--watch', 'again every second')
    .option('--pool <id>', 'this pool and the listeners that lead to it, with all their rows')
    .option('--wrong', 'only listeners and backends with something wrong')
    .option('--all', 'every row, where there are more than 100 (with --json it is always everything)')
    .action(async (options: StatusOptions) => {
      const { showStatus } = await import('./status/status-command.ts');
      await showStatus(await openSession(), options);
    });
  program
    .command('decisions')
    .description('show who was picked for the newest requests, or everything about one')
    .argument('[request-id]', 'what X-Request-Id said')
    .option('--limit <count>', 'requests at most, 1 to 100 (default 20)', wholeNumber)
    .option('--record <time>', 'keep every decision from now on, for example 90s, 5m or 1h; 0 ends it', timeSpan)
    .action(async (requestId: string | undefined, options: { limit?: number; record?: number }) => {
      const { recordDecisions, showDecisions } = await import('./decisions-command.ts');
      const { record } = options;
      if (record === undefined) return showDecisions(await openSession(), requestId, options);
      return recordDecisions(await openSession(), record);
    });
}

function addEventsCommand(program: Command, openSession: OpenSession): void {
  program
    .command('events')
    .description('show the journal: the newest 100 events, or those from a revision or time on')
    .option('--follow', 'go on with what is appended from now on')
    .option('--from <revision>', 'the first revision wanted', wholeNumber)
    .option('--since <time>', 'not before this time: 2026-03-01T12:30:00Z, 12:30 of today, -5m, -2h', moment)
    .option('--until <time>', 'before this time', moment)
    .option('--pool <id>', 'of this pool and its backends')
    .option('--backend <id>', 'of this backend: ID or POOL/ID')
    .option('--node <id>', 'what this node saw, and its starts and stops')
    .option('--listener <id>', 'of this listener')
    .option('--type <types>', 'of these types, separated by commas: BackendEjected,BackendReinstated')
    .option('--origin <origin>', 'published by this origin; cli:* is every one that begins so')
    .option('--limit <count>', 'events at most: the newest, or with --from or --since the first', wholeNumber)
    .option(
      '--rejected',
      'only what every node passes over, with the reason; of the newest 100000 events without --from',
    )
    .option('--file <incident>', 'ask an incident file, with neither node nor cluster')
    .action(async (options: EventsOptions) => {
      const { showEvents } = await import('./events-command.ts');
      await showEvents(await openSession(), options);
    });
}

function addSchemaCommand(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schemas of the events')
    .argument('[type]', 'one event only, for example BackendRegistered')
    .action(async (type: string | undefined) => {
      const { showSchema } = await import('./schema-command.ts');
      await showSchema(type);
    });
}

/** A person's word on what the journal's history is. */
function addHistoryCommands(program: Command, openSession: OpenSession): void {
  program
    .command('adopt-epoch')
    .description("take the journal's present history in place of the one that is served, whatever it holds")
    .action(async () => {
      const { adoptEpoch } = await import('./history-commands.ts');
      await adoptEpoch(await openSession());
    });
  program
    .command('restore-history')
    .description('write what the node serves into a new journal, where the old one is gone or replaced')
    .option('--yes', 'do it; without this it is only shown')
    .action(async (options: { yes?: boolean }) => {
      const { restoreHistory } = await import('./history-commands.ts');
      await restoreHistory(await openSession(), options);
    });
  program
    .command('snapshot')
    .description('store a snapshot of what the node serves, in the journal and on its machine')
    .action(async () => {
      const { storeSnapshot } = await import('./history-commands.ts');
      await storeSnapshot(await openSession());
    });
}

const APPLY_HELP = `
Each line of the answer is a step: + added, ~ changed, - removed, ! left alone
or not in force, = unchanged. Exit code: 0 all of the file is in force on the
node, 1 something is not; with --dry-run: 1 where something would be left
alone, refused, or needs a restart.`;
