/** Runs one command line and says how it ended. */
import { messageOf } from '@muster/membership';
import { CommanderError } from 'commander';
import { CliFailure, EXIT_CODES, UsageError } from './cli-failure.ts';
import { createProgram } from './program.ts';
import { writeError, writeJson } from './session.ts';

/** `args` without the names of Node and of the script. Resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT_CODES.ok;
  endWithReader();
  try {
    await createProgram((code) => (exitCode = code)).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    if (!(error instanceof CliFailure)) writeDefect(error);
    else if (args.includes('--json')) await writeJson({ error: error.fields() });
    else writeError(...`muster: ${error.message}`.split('\n'));
    return error instanceof UsageError ? EXIT_CODES.usage : EXIT_CODES.failed;
  }
}

/** What nobody expected is a defect, and whoever reports it needs to know where it was. */
function writeDefect(error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  writeError(`muster: this is a defect of muster: ${messageOf(error)}`, ...frames);
}

/** `muster events | head`: once nobody reads, there is nothing left to do. A node and an agent write in another way, and go on. */
function endWithReader(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_CODES.ok);
  });
}
