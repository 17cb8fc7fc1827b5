/**
 * Ids for requests that come without one: a random part that is the process's, and a count. Unique over all workers of all
 * nodes but for a chance of 2^-48 per pair of processes, at the cost of one addition and a short text.
 */
import { randomBytes } from 'node:crypto';

const USABLE_PATTERN = /^[\x21-\x7e]{1,128}$/;

/** Whether an id that came from outside is passed on: up to 128 visible characters. */
export function isUsableRequestId(id: string | null): id is string {
  return id !== null && USABLE_PATTERN.test(id);
}

export function requestIds(): () => string {
  const prefix = randomBytes(6).toString('hex');
  let count = 0;
  return () => `${prefix}-${(++count).toString(36)}`;
}
