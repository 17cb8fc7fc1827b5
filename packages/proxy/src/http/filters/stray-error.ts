/**
 * What a filter leaves behind: an error that no request waits for, thrown by a timer of its own or in a promise that nobody awaits.
 *
 * It is told by the marks that the loader puts on filters' modules, which stand in the traces of what they throw. What is no error at
 * all is a filter's too, since our own code throws nothing else. An error without a trace, or one that comes from code that a filter
 * imports, is nobody's.
 */

/** In the address of every filter's module; what follows tells its versions apart. */
export const FILTER_MARK = '?muster-filter=';

/** Never throws, whatever was thrown. */
export function isLeftByFilter(error: unknown): boolean {
  try {
    if (!(error instanceof Error)) return true;
    const stack: unknown = error.stack;
    return typeof stack === 'string' && stack.includes(FILTER_MARK);
  } catch {
    // It throws when it is looked at. Nothing of ours does.
    return true;
  }
}
