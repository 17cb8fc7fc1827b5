/**
 * What a misspelt name most likely meant, for error messages.
 *
 * Imports nothing: the command line asks it in each of its short lives, and would otherwise load every schema for that.
 */

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
