/** How the command line ends: exit codes, and the error that becomes one line on stderr. */

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

  /** As the admin API gives its errors. */
  fields(): { readonly code: string; readonly message: string; readonly suggestion: string | null } {
    const { code, message, suggestion } = this;
    return { code, message, suggestion };
  }
}

/** The command line itself makes no sense, which only the command could find out; `run` exits with `usage`. */
export class UsageError extends CliFailure {
  constructor(message: string) {
    super('usage', message);
  }
}
