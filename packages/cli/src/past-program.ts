/** The commands about the past: what there is to type. */
import type { Command } from 'commander';
import { milliseconds, moment, wholeNumber } from './command-options.ts';
import type { EventsOptions } from './events-command.ts';
import type {
  DiffCommandOptions,
  ExplainBackendOptions,
  ExplainRequestOptions,
  ExportCommandOptions,
  ReplayCommandOptions,
} from './past/past-commands.ts';
import type { WhatIfQuery } from '@muster/questions';
import type { OpenSession } from './session.ts';

const MOMENTS_HELP = `
A moment is a revision (1234), a time (2026-03-01T12:30:00Z, or 12:30 of today),
-5m, -90s, -2h, -1d, now, or the id of an event. In a file, now is its end.
Times without a zone are this machine's, and so are those that are shown.`;

const FILE_OPTION = ['--file <incident>', 'ask an incident file, with neither node nor cluster'] as const;
const NODE_OPTION = ['--node <id>', 'whose eyes it is seen with (default: the node that is asked)'] as const;

export function addPastCommands(program: Command, openSession: OpenSession): void {
  addEventsCommand(program, openSession);
  program
    .command('replay')
    .description('show pools, backends and listeners as they were, or walk through what happened')
    .option('--at <moment>', 'when (default now)', moment)
    .option(...NODE_OPTION)
    .option('--pool <id>', 'this pool alone, with all its backends')
    .option('--step', 'event by event, forwards and back, and what each changed; plain lines when piped')
    .option(
      '--from <moment>',
      'where the walk of --step begins (default: 10000 events ago, or the beginning of the file)',
      moment,
    )
    .option(...FILE_OPTION)
    .addHelpText('after', MOMENTS_HELP)
    .action(async (options: ReplayCommandOptions) => {
      const { replayCommand } = await import('./past/past-commands.ts');
      await replayCommand(await openSession(), options);
    });
  program
    .command('diff')
    .description('show what changed between two moments, and by which events')
    .argument('<from>', 'the earlier moment', moment)
    .argument('[to]', 'the later one', moment, 'now')
    .option(...NODE_OPTION)
    .option(...FILE_OPTION)
    .addHelpText('after', MOMENTS_HELP)
    .action(async (from: string, to: string, options: Omit<DiffCommandOptions, 'from' | 'to'>) => {
      const { showDiff } = await import('./past/past-commands.ts');
      await showDiff(await openSession(), { ...options, from, to });
    });
  program
    .command('export')
    .description('write a span of history into one file, without secrets')
    .requiredOption('--from <moment>', 'where it begins', moment)
    .option('--to <moment>', 'where it ends', moment, 'now')
    .requiredOption(
      '-o, --output <incident>',
      'the file to write, for example incident.muster; - for the standard output',
    )
    .option('--force', 'replace the file that is there')
    .option('--file <incident>', 'cut a span out of an incident file')
    .addHelpText('after', MOMENTS_HELP)
    .action(async (options: ExportCommandOptions) => {
      const { exportCommand } = await import('./past/past-commands.ts');
      await exportCommand(await openSession(), options);
    });
  addExplainCommands(program, openSession);
  addWhatIfCommand(program, openSession);
}

interface WhatIfOptions {
  readonly pool: string;
  readonly from: string;
  readonly to: string;
  readonly fall?: number;
  readonly rise?: number;
  readonly interval?: number;
  readonly timeout?: number;
  readonly policy?: WhatIfQuery['policy'];
  readonly file?: string;
}

function addWhatIfCommand(program: Command, openSession: OpenSession): void {
  program
    .command('whatif')
    .description('what other settings of a pool would have made of its recorded probes and requests')
    .requiredOption('--pool <id>', 'whose recorded probes are judged again')
    .option('--from <moment>', 'where it begins', moment, '-1h')
    .option('--to <moment>', 'where it ends', moment, 'now')
    .option('--fall <n>', 'failed probes that turn a backend unhealthy', wholeNumber)
    .option('--rise <n>', 'passed probes that turn it healthy', wholeNumber)
    .option('--interval <time>', 'from one probe to the next: 500ms, 2s', milliseconds)
    .option('--timeout <time>', 'a probe that takes longer has failed', milliseconds)
    .option('--policy <name>', 'pick the recorded requests anew: round_robin, least_requests, random, consistent_hash')
    .option(...FILE_OPTION)
    .addHelpText(
      'after',
      `\nWhat is left out stays as it was; with nothing given it shows that this gives\nwhat happened.${MOMENTS_HELP}`,
    )
    .action(async ({ interval: intervalMs, timeout: timeoutMs, ...options }: WhatIfOptions) => {
      const { whatIfCommand } = await import('./past/past-commands.ts');
      await whatIfCommand(await openSession(), { intervalMs, timeoutMs, ...options });
    });
}

function addExplainCommands(program: Command, openSession: OpenSession): void {
  const explain = program.command('explain').description('say why: of a request, of a backend');
  explain
    .command('backend')
    .description('why it takes traffic or does not, since when, by which event, and what would bring it back')
    .argument('<pool/id>', 'for example spells/spells-1')
    .option('--at <moment>', 'when (default now)', moment)
    .option(...NODE_OPTION)
    .option(...FILE_OPTION)
    .addHelpText('after', MOMENTS_HELP)
    .action(async (name: string, options: Omit<ExplainBackendOptions, 'name'>) => {
      const { explainBackendCommand } = await import('./past/past-commands.ts');
      await explainBackendCommand(await openSession(), { ...options, name });
    });
  explain
    .command('request')
    .description('make the picks of a request again, and compare them with what was recorded')
    .argument('[request-id]', 'what X-Request-Id said')
    .option('--line <json>', 'its line in the access log; - reads it from the standard input')
    .option(...FILE_OPTION)
    .action(async (id: string | undefined, options: Omit<ExplainRequestOptions, 'id'>) => {
      const { explainRequestCommand } = await import('./past/past-commands.ts');
      await explainRequestCommand(await openSession(), { ...options, id });
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
    .option(...FILE_OPTION)
    .action(async (options: EventsOptions) => {
      const { showEvents } = await import('./events-command.ts');
      await showEvents(await openSession(), options);
    });
}
