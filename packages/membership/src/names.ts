/**
 * Names of clusters, listeners, pools, backends and nodes.
 *
 * A name is a token of a NATS subject, a label of a metric and a word on a command line, so it is kept to what
 * all of them take unquoted. Nothing here trims or lower-cases: a name that needs mending is refused.
 */
import { z } from 'zod';

const NAME_PATTERN = /^[a-z0-9-]{1,64}$/;

/** What the messages say about names, wherever a name is refused. */
export const NAME_RULE = 'a name is 1 to 64 characters of a-z, 0-9 and "-"';

/** True for 1 to 64 characters of `[a-z0-9-]`, for example `spells-1`. */
export function isName(text: string): boolean {
  return NAME_PATTERN.test(text);
}

/** A name inside a payload or a config file. */
export const nameSchema = z.string().regex(NAME_PATTERN, NAME_RULE);

/**
 * The known name that a misspelt one most likely meant: the nearest within two edits (Levenshtein), or null.
 * Cost: O(known × length), and nothing for a name whose length alone is more than two edits away; meant for error messages.
 */
export function nearestName(wrong: string, known: Iterable<string>): string | null {
  let best: string | null = null;
  let bestDistance = EDITS_MAX + 1;
  for (const name of known) {
    if (Math.abs(name.length - wrong.length) >= bestDistance) continue;
    const distance = editDistance(wrong, name);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** More edits than that, and it is another name. */
const EDITS_MAX = 2;

/**
 * The edits between two names; where there are more than `EDITS_MAX`, any number above it. Only the cells within so many of
 * the diagonal are filled, because every way through another cell is longer (Ukkonen 1985).
 */
function editDistance(from: string, to: string): number {
  const beyond = EDITS_MAX + 1;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = Array<number>(to.length + 1).fill(beyond);
    if (i <= EDITS_MAX) next[0] = i;
    let least = next[0]!;
    for (let j = Math.max(1, i - EDITS_MAX); j <= Math.min(to.length, i + EDITS_MAX); j++) {
      const substituted = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next[j] = Math.min(substituted, row[j]! + 1, next[j - 1]! + 1);
      least = Math.min(least, next[j]!);
    }
    if (least > EDITS_MAX) return beyond;
    row = next;
  }
  return row[to.length]!;
}
