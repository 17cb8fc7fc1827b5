/**
 * How deep a JSON text is nested, found out without following it down.
 *
 * `JSON.parse` takes any depth, and what comes out of it does not: `JSON.stringify`, `structuredClone` and every function that
 * walks a value call themselves once a level, and 60,000 brackets end them with a stack overflow. So what comes from outside
 * is measured as text, before anybody walks it. Nothing that anybody writes on purpose is a tenth as deep as the limit.
 */

/** Levels of objects and arrays within each other that a JSON text from outside may have. */
export const NESTING_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether a JSON text is nested deeper than `NESTING_MAX` levels. O(characters); of a text that is not JSON it means nothing. */
export function isTooDeep(json: string): boolean {
  if (json.length <= NESTING_MAX) return false;
  let depth = 0;
  let isText = false;
  for (let index = 0; index < json.length; index++) {
    const code = json.charCodeAt(index);
    if (code === QUOTE) isText = !isText;
    else if (isText) index += code === BACKSLASH ? 1 : 0;
    // With the bit that tells them apart set, [ is { and ] is }.
    else if ((code | 0x20) === 0x7b) {
      depth += 1;
      if (depth > NESTING_MAX) return true;
    } else if ((code | 0x20) === 0x7d) depth -= 1;
  }
  return false;
}
