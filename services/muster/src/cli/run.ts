/** Runs one command line and says how it ended. */
import { CommanderError } from 'commander';
import { CliFailure, EXIT_CODES, UsageError } from './cli-failure.ts';
import { createProgram } from './program.ts';

/** `args` without the names of Node and of the script. Resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT_CODES.ok;
  endWithReader();
  try {
    await createProgram((code) => (exitCode = code)).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    if (!(error instanceof CliFailure)) throw error;
    const { code, message, suggestion } = error;
    if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ error: { code, message, suggestion } })}\n`);
    else process.stderr.write(`muster: ${message}\n`);
    return error instanceof UsageError ? EXIT_CODES.usage : EXIT_CODES.failed;
  }
}

/** `muster events | head`: once nobody reads, there is nothing left to do. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_CODES.ok);
  });
}
