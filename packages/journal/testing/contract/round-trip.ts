/** Contract: text comes back as it went in. */
import { expect } from 'vitest';
import type { ContractTests } from './subject.ts';
import { collect, mustAppend, sampleEvent } from './samples.ts';

const texts: readonly string[] = [
  '',
  '{}',
  'null',
  'not JSON at all',
  '"quote \\" and \' and ` and ; DROP TABLE events; --"',
  '"a\u0000b"',
  '\u0000',
  '"\\u0000"',
  '"tab\tline\nreturn\r\n"',
  '"žluťoučký kůň, 漢字, 👩‍👩‍👧, \u202eright to left"',
  '\ufeff{"with":"a byte order mark"}',
  `"${'long '.repeat(20_000)}"`,
];

const origins: readonly (string | null)[] = [
  null,
  'cli:alice@host',
  'config:"lb-1"',
  "it's",
  'publisher:žluťoučký 漢字 👩‍👩‍👧',
  'null',
  'o'.repeat(256),
];

export const roundTripTests: ContractTests = {
  'payloads come back byte for byte': async (subject) => {
    for (const payload of texts) await mustAppend(subject.journal, sampleEvent({ payload }));
    expect((await collect(subject.journal.read())).map(({ payload }) => payload)).toEqual(texts);
    const reopened = await subject.reopen();
    if (reopened === null) return;
    expect((await collect(reopened.read())).map(({ payload }) => payload)).toEqual(texts);
  },

  'origins come back as they were given, and null as null': async ({ journal }) => {
    for (const origin of origins) await mustAppend(journal, sampleEvent({ origin }));
    expect((await collect(journal.read())).map(({ origin }) => origin)).toEqual(origins);
  },

  'a follower is handed the same events that a read answers': async (subject) => {
    const { journal } = subject;
    const appended = [];
    for (const [index, payload] of texts.entries()) {
      const event = sampleEvent({ payload, origin: origins[index % origins.length]! });
      const { revision } = await mustAppend(journal, event);
      appended.push({ ...event, revision, timeMs: expect.any(Number) });
    }
    const read = await collect(journal.read());
    expect(read).toEqual(appended);
    const abort = new AbortController();
    for await (const item of journal.follow({ afterRevision: 0, signal: abort.signal })) {
      if (item.kind === 'caught-up') break;
      expect(item).toEqual({ kind: 'events', events: read.splice(0, item.kind === 'events' ? item.events.length : 0) });
    }
    expect(read).toEqual([]);
  },
};
