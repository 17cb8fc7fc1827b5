/** Whom a resolver asks for a name that it does not know, or no longer: hosts file and name servers, or a test's own. */

export type NameAnswer =
  | {
      readonly outcome: 'found';
      /** IPv6 and IPv4 by turns, at least one (RFC 8305, 4). */
      readonly addresses: readonly string[];
      /** As the answer says, unbounded. */
      readonly ttlMs: number;
      /** The family that nothing is known of, because it was not answered for or not yet; null: both were. */
      readonly unknownFamily: 4 | 6 | null;
    }
  /** The name servers say that there is nothing: ENOTFOUND (no such name) or ENODATA (no address). */
  | { readonly outcome: 'none'; readonly code: string }
  /** Nobody said anything about the name: ESERVFAIL, EREFUSED, NAME_TIMEOUT, … */
  | { readonly outcome: 'failed'; readonly code: string };

export interface NameSource {
  /**
   * `onAnswer` is called once with `isFinal`, and perhaps once before, where one family was quick and the other is slow. Never
   * within the call.
   */
  ask(name: string, onAnswer: (answer: NameAnswer, isFinal: boolean) => void): void;
  /** Gives up the questions under way, which would keep the process alive. Their answers are failures. */
  close(): void;
}

/** IPv6 first, then by turns. */
export function interleaved(addresses: readonly string[]): string[] {
  const sixes = addresses.filter((address) => address.includes(':'));
  const fours = addresses.filter((address) => !address.includes(':'));
  const both = Array.from({ length: Math.max(sixes.length, fours.length) }, (_, index) => [sixes[index], fours[index]]);
  return both.flat().filter((address) => address !== undefined);
}
