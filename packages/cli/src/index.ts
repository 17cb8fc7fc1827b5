/** Public entry: the command line. `run` runs one; the binary brings the commands that run something. */
export { AdminClient } from './admin-client.ts';
export { CliFailure, EXIT_CODES } from './cli-failure.ts';
export { wholeNumber, withTime } from './command-options.ts';
export { createProgram, type AddCommand, type SetExitCode, type Surroundings } from './program.ts';
export { run } from './run.ts';
export type { OpenSession, Session } from './session.ts';
