/** Contract: what is left of a journal after `close`. */
import { expect } from 'vitest';
import type { ContractTests } from './subject.ts';
import { collect, FollowerUnderTest, mustAppend, sampleEvent } from './samples.ts';

export const closeTests: ContractTests = {
  'close answers the appends that are under way': async (subject) => {
    const appends = Array.from({ length: 50 }, () => mustAppend(subject.journal, sampleEvent()));
    const closing = subject.journal.close();
    const revisions = (await Promise.all(appends)).map(({ revision }) => revision);
    await closing;
    const reopened = await subject.reopen();
    if (reopened === null) return;
    expect((await collect(reopened.read())).map(({ revision }) => revision)).toEqual(revisions.sort((a, b) => a - b));
  },

  'close ends the followers': async ({ journal }) => {
    using follower = new FollowerUnderTest(journal);
    await follower.untilCaughtUp();
    const next = follower.next();
    const ended = next.then(
      ({ done }) => (done === true ? 'ended' : 'went on'),
      (error: unknown) => (error as { code?: string }).code,
    );
    await journal.close();
    expect(['ended', 'closed']).toContain(await ended);
  },

  'a closed journal answers unavailable or throws closed, and may be closed again': async ({ journal }) => {
    await journal.close();
    await journal.close();
    expect(await journal.append(sampleEvent())).toMatchObject({ outcome: 'unavailable' });
    const { signal } = new AbortController();
    const closed = { name: 'JournalError', code: 'closed' };
    await expect(journal.head()).rejects.toMatchObject(closed);
    await expect(collect(journal.read())).rejects.toMatchObject(closed);
    await expect(journal.follow({ afterRevision: 0, signal })[Symbol.asyncIterator]().next()).rejects.toMatchObject(
      closed,
    );
    await expect(journal.loadSnapshot()).rejects.toMatchObject(closed);
    const snapshot = { epoch: 'any', revision: 1, hash: '', data: '' };
    await expect(journal.saveSnapshot(snapshot)).rejects.toMatchObject(closed);
  },
};
