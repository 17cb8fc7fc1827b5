/**
 * The one family of failures that cross a package, and the check for what can only be a mistake in this program.
 *
 * What is expected (a refused event, a missing pool) is returned as a value with a literal `reason` and is no error. What a
 * caller may only hand on or retry is thrown as a subclass of `MusterError`; each package lists its codes in a union type.
 * Nothing decides by the message of an error: messages are for people, codes for programs.
 */

/** Where the cause lies: with a server that Muster talked to, with whoever asked, or in Muster itself. */
export type FailureSource = 'upstream' | 'downstream' | 'internal';

export interface MusterErrorOptions<Code extends string> {
  readonly code: Code;
  /** What happened, to which thing, and what to do: `the journal muster-demo cannot be read: no answer within 5 s`. */
  readonly message: string;
  readonly source: FailureSource;
  /** Whether the same attempt may succeed later without anybody changing anything. */
  readonly isRetryable: boolean;
  /** What was caught, where this error was made from another. */
  readonly cause?: unknown;
}

/** A failure with a stable `code`, which programs may compare and which never changes its meaning. */
export abstract class MusterError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly source: FailureSource;
  readonly isRetryable: boolean;

  constructor({ code, message, source, isRetryable, cause }: MusterErrorOptions<Code>) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.source = source;
    this.isRetryable = isRetryable;
  }
}

/** Thrown by `invariant` alone. Nobody catches it to go on; it ends the actor, and the actor's supervisor decides. */
export class BrokenInvariant extends MusterError<'broken-invariant'> {
  constructor(message: string) {
    super({ code: 'broken-invariant', message, source: 'internal', isRetryable: false });
  }
}

/**
 * Says what must be true where the compiler cannot see it, and throws a `BrokenInvariant` where it is not, in production too.
 * The message says what was expected, of which thing: `the pool "web" is in the roster that lists it`.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BrokenInvariant(message);
}

/** The value, which must be there: `invariant` for what would otherwise be read with a `!`. */
export function present<Value>(value: Value | null | undefined, what: string): Value {
  invariant(value !== null && value !== undefined, `there is no ${what}`);
  return value;
}

/** The first error of a class in the chain of causes that begins with `error` itself; null where there is none. */
export function causeOf<Kind extends Error>(error: unknown, kind: new (...parts: never[]) => Kind): Kind | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof kind) return cause;
  }
  return null;
}
