/**
 * A journal that was refused because it is damaged, for a node that goes on with the last state that it kept elsewhere: nothing can be
 * read from it and nothing is appended to it, and everybody who tries is told why.
 */
import type { Journal, JournalError } from '@muster/journal';

export function refusedJournal(refusal: JournalError): Journal {
  const refuse = (): never => {
    throw refusal;
  };
  const refusing: AsyncIterable<never> = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(refusal) }),
  };
  return {
    append: async () => ({ outcome: 'unavailable', message: refusal.message }),
    read: () => refusing,
    follow: () => refusing,
    head: async () => refuse(),
    saveSnapshot: async () => refuse(),
    loadSnapshot: async () => refuse(),
    renew: async () => refuse(),
    close: async () => undefined,
  };
}
