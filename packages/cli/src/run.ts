/** Runs one command line and says how it ended. */
import { messageOf } from '@muster/membership/error-text';
import { CommanderError, type Command } from 'commander';
import { errorBody } from '@muster/questions/answers';
import { writeError, writeJson } from '@muster/questions/text';
import { CliFailure, EXIT_CODES, UsageError } from './cli-failure.ts';
import { createProgram, type Surroundings } from './program.ts';

/** `args` without the names of Node and of the script. Resolves to the exit code. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = EXIT_CODES.ok;
  endWithReader();
  const isJson = ownArgs(args).includes('--json');
  try {
    const program = createProgram(surroundings, (code) => (exitCode = code));
    // Set before the first command is looked at, so that every one of them is silent.
    if (isJson) silence(program);
    await program.parseAsync(args.map(asMoment(ownArgs(args).length)), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return await usageExit(error, isJson);
    if (!(error instanceof CliFailure)) writeDefect(error);
    else if (isJson) await writeJson(errorBody(error));
    else writeError(...error.message.split('\n').map((line) => `muster: ${line}`));
    return error instanceof UsageError ? EXIT_CODES.usage : EXIT_CODES.failed;
  }
}

/** What nobody expected is a defect, and whoever reports it needs to know where it was. */
function writeDefect(error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  writeError(`muster: this is a defect of muster: ${messageOf(error)}`, ...frames);
}

/** What comes after `--` are the words of another program. */
function ownArgs(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return end === -1 ? args : args.slice(0, end);
}

/**
 * `-5m` is a moment wherever one may stand, and no bundle of options: a space before it keeps it from looking like one, and who
 * reads moments takes it off again.
 */
function asMoment(ownCount: number): (arg: string, index: number) => string {
  return (arg, index) => (index < ownCount && MOMENT_PATTERN.test(arg) ? ` ${arg}` : arg);
}

const MOMENT_PATTERN = /^-\d+(ms|s|m|h|d)$/;

/** Of mistakes of usage there is an object, and the text would only be in its way. */
function silence(program: Command): void {
  program.configureOutput({ writeErr: () => undefined });
  for (const command of program.commands) silence(command);
}

async function usageExit({ exitCode, code, message }: CommanderError, isJson: boolean): Promise<number> {
  if (exitCode === 0) return EXIT_CODES.ok;
  if (!isJson) return EXIT_CODES.usage;
  const isWithoutCommand = code === 'commander.help';
  const suggestion = /\(Did you mean (?:one of )?([^,?]+)/.exec(message)?.[1] ?? null;
  const text = message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  const what = isWithoutCommand ? 'a command is missing; muster --help lists them' : text;
  await writeJson(errorBody({ code: 'usage', message: what, suggestion }));
  return EXIT_CODES.usage;
}

/** `muster events | head`: once nobody reads, there is nothing left to do. A node and an agent write in another way, and go on. */
function endWithReader(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_CODES.ok);
  });
}
