/**
 * What is wrong with a config file: where, what, and how to mend it. Every refusal of a config is a list of these.
 */
import type { KeyPath } from '@muster/questions';

/** A fault without its place in the text. */
export interface Fault {
  readonly path: KeyPath;
  readonly what: string;
  readonly fix: string;
}

export interface ConfigProblem {
  /** The path as the person gave it. */
  readonly file: string;
  /** From 1. The line of the key, else of its table; null where the file as a whole is meant. */
  readonly line: number | null;
  /** For example `"connectTimeoutMS" is not a key of [[pools]]`. */
  readonly what: string;
  /** For example `did you mean "connectTimeoutMs"?`. */
  readonly fix: string;
}

/** One problem as a line: `muster.toml:12: "conectTimeoutMs" is not known here; did you mean "connectTimeoutMs"?` */
export function formatProblem({ file, line, what, fix }: ConfigProblem): string {
  return `${line === null ? file : `${file}:${line}`}: ${what}; ${fix}`;
}
