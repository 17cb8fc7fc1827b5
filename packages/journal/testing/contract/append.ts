/** Contract: one append after another, their order, their ids, and what is refused. */
import { expect } from 'vitest';
import type { ContractTests } from './subject.ts';
import { PAYLOAD_BYTES_MAX, type NewEvent } from '../../src/journal.ts';
import { appendMany, collect, mustAppend, OTHER_SUBJECT, sampleEvent } from './samples.ts';

const invalidEvents: Readonly<Record<string, Partial<NewEvent>>> = {
  'an empty id': { id: '' },
  'a long id': { id: 'x'.repeat(129) },
  'an id with a space': { id: 'one two' },
  'an empty subject': { subject: '' },
  'a long subject': { subject: `muster.${'x'.repeat(394)}` },
  'a subject with an empty token': { subject: 'muster..pool' },
  'a subject with a wildcard': { subject: 'muster.test.pool.*' },
  'an empty origin': { origin: '' },
  'a long origin': { origin: 'x'.repeat(257) },
  'an origin with a line break': { origin: 'cli:alice\r\nNats-Msg-Id: forged' },
  'half of a surrogate pair': { payload: '"\ud83d"' },
};

export const appendTests: ContractTests = {
  'an empty journal has revision 0 and an epoch': async ({ journal }) => {
    const head = await journal.head();
    expect(head.revision).toBe(0);
    expect(head.epoch).not.toBe('');
    expect(await collect(journal.read())).toEqual([]);
  },

  'events have rising revisions in the order of their appends, and time never goes back': async ({ journal }) => {
    const revisions: number[] = [];
    for (let count = 0; count < 50; count += 1) {
      revisions.push((await mustAppend(journal, sampleEvent({ payload: String(count) }))).revision);
    }
    const events = await collect(journal.read());
    expect(events.map(({ payload }) => Number(payload))).toEqual([...Array(50).keys()]);
    expect(events.map(({ revision }) => revision)).toEqual(revisions);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    const times = events.map(({ timeMs }) => timeMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect((await journal.head()).revision).toBe(revisions.at(-1));
  },

  'the same id again is answered with its revision, and stores nothing': async ({ journal }) => {
    const event = sampleEvent();
    const first = await mustAppend(journal, event);
    await appendMany(journal, 3);
    const again = await mustAppend(journal, { ...event, origin: 'another' });
    expect(again).toEqual({ ...first, isDuplicate: true });
    expect(first.isDuplicate).toBe(false);
    expect(await collect(journal.read())).toHaveLength(4);
  },

  'an id that another event has is refused, and acknowledges nothing': async ({ journal }) => {
    const event = sampleEvent();
    await mustAppend(journal, event);
    const { revision } = await mustAppend(journal, sampleEvent({ subject: OTHER_SUBJECT }));
    const others = [
      { ...event, payload: '"changed"' },
      { ...event, subject: OTHER_SUBJECT },
    ];
    for (const other of others) {
      expect(await journal.append(other)).toMatchObject({ outcome: 'refused', reason: 'id-taken' });
    }
    const elsewhere = await journal.append(others[1]!, { expectedRevision: revision });
    expect(elsewhere).toMatchObject({ outcome: 'refused', reason: 'id-taken' });
    expect(await collect(journal.read())).toHaveLength(2);
  },

  'a duplicate after opening the same store again is still a duplicate': async (subject) => {
    const event = sampleEvent();
    const first = await mustAppend(subject.journal, event);
    const reopened = await subject.reopen();
    if (reopened === null) return;
    expect(await mustAppend(reopened, event)).toEqual({ ...first, isDuplicate: true });
    const next = await mustAppend(reopened, sampleEvent());
    expect(next.revision).toBeGreaterThan(first.revision);
    const times = (await collect(reopened.read())).map(({ timeMs }) => timeMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  },

  'an id with an outdated expectation is answered as the duplicate that it is': async ({ journal }) => {
    const event = sampleEvent();
    const first = await mustAppend(journal, event, { expectedRevision: 0 });
    await appendMany(journal, 1);
    expect(await mustAppend(journal, event, { expectedRevision: 0 })).toEqual({ ...first, isDuplicate: true });
  },

  'what is invalid is refused, and nothing is stored': async ({ journal }) => {
    for (const [what, parts] of Object.entries(invalidEvents)) {
      const outcome = await journal.append(sampleEvent(parts));
      expect(outcome, `refused: ${what}`).toMatchObject({ outcome: 'refused', reason: 'invalid' });
    }
    for (const expectedRevision of [-1, 0.5, Number.NaN]) {
      const outcome = await journal.append(sampleEvent(), { expectedRevision });
      expect(outcome, `${expectedRevision}`).toMatchObject({ outcome: 'refused', reason: 'invalid' });
    }
    expect((await journal.head()).revision).toBe(0);
  },

  'a payload may have PAYLOAD_BYTES_MAX bytes of UTF-8 and not one more': async ({ journal }) => {
    const largest = 'é'.repeat(PAYLOAD_BYTES_MAX / 2);
    await mustAppend(journal, sampleEvent({ payload: largest, subject: OTHER_SUBJECT }));
    const outcome = await journal.append(sampleEvent({ payload: `${largest}x` }));
    expect(outcome).toMatchObject({ outcome: 'refused', reason: 'too-large' });
    expect((await collect(journal.read())).map(({ payload }) => payload === largest)).toEqual([true]);
  },
};
