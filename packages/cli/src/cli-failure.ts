/** How the command line ends: exit codes, and the error that becomes one line on stderr, or with `--json` an object on stdout. */

export const EXIT_CODES = {
  ok: 0,
  /** The node refused, does not answer, or the config is broken. */
  failed: 1,
  /** The command line itself makes no sense. */
  usage: 2,
} as const;

/** Thrown by commands; `run` prints it and exits with `failed`. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  /** For programs, as in the admin API's errors. */
  readonly code: string;
  readonly suggestion: string | null;

  constructor(code: string, message: string, suggestion: string | null = null) {
    super(message);
    this.code = code;
    this.suggestion = suggestion;
  }
}

/** The command line itself makes no sense, which only the command could find out; `run` exits with `usage`. */
export class UsageError extends CliFailure {
  constructor(message: string) {
    super('usage', message);
  }
}

/** A file that somebody may still want is not replaced unasked. */
export function existingFile(path: string): CliFailure {
  return new CliFailure('exists', `${path} exists already; choose another name, or give --force to replace it`);
}
