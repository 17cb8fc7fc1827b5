/** What everybody passes over, over HTTP: judged as the fold judges it, wherever in the history the range begins. */
import { emptyRoster, encodeSnapshot, rosterHash, type Roster } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { type AdminHarness, eventLines, openEvents, readEvents, startAdmin } from '@muster/admin/testing';

/** Subject without its first two tokens, and the payload. */
type Published = readonly [subject: string, payload: object | string, origin?: string];

async function publish(admin: AdminHarness, ...events: readonly Published[]): Promise<void> {
  for (const [index, [subject, payload, origin = null]] of events.entries()) {
    const id = `${admin.node.roster().revision}-${index}`;
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const outcome = await admin.node.journal.append({
      id,
      subject: `muster.default.${subject}`,
      origin,
      payload: text,
    });
    if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
    await admin.node.folded(outcome.revision);
  }
}

/** 1 to 7: a pool, its backend, and four events that make no sense, the last of them only since the pool is gone. */
const HISTORY: readonly Published[] = [
  ['pool.p', { type: 'PoolDefined' }],
  ['backend.p.a', { type: 'BackendRegistered', target: 'h:1' }],
  ['backend.q.a', { type: 'BackendRegistered', target: 'h:1' }, 'sdk:q'],
  ['pool.p', 'not json'],
  ['pool.p', `"${'x'.repeat(70_000)}"`],
  ['pool.p', { type: 'PoolRemoved' }],
  ['backend.p.a', { type: 'BackendModeSet', mode: 'drain' }, 'cli:alice'],
];

describe('rejected events', () => {
  test('come with reason and sender, those of the fold included, and large payloads cut', async () => {
    await using admin = await startAdmin();
    await publish(admin, ...HISTORY);
    const views = await readEvents(admin, 'rejected=true');
    expect(views).toMatchObject([
      { revision: 3, origin: 'sdk:q', type: 'BackendRegistered', rejection: { reason: 'unknown-pool' } },
      { revision: 4, origin: null, payload: 'not json', rejection: { reason: 'broken-json' } },
      { revision: 5, origin: null, rejection: { reason: 'payload-too-large' } },
      { revision: 7, origin: 'cli:alice', rejection: { reason: 'unknown-pool' } },
    ]);
    expect(views[2]!.payload).toBe(`"${'x'.repeat(499)}…`);
    expect((await readEvents(admin, 'rejected=true&from=4&to=6')).map(({ revision }) => revision)).toEqual([4, 5]);
    expect((await readEvents(admin, 'rejected=true&limit=1')).map(({ revision }) => revision)).toEqual([3]);
  });

  test('are judged from a snapshot before the range, and from the one before it where that is damaged', async () => {
    await using admin = await startAdmin();
    await publish(admin, ...HISTORY);
    const { epoch } = await admin.node.journal.head();
    // A roster that the events themselves do not give: it has no pool that the sixth could remove.
    const early: Roster = { ...emptyRoster('default'), revision: 2 };
    const stored = { epoch, revision: 2, hash: rosterHash(early), data: encodeSnapshot(early) };
    await admin.node.journal.saveSnapshot(stored);
    await admin.node.journal.saveSnapshot({ ...stored, revision: 3, data: stored.data.slice(0, -1) });
    const revisions = (await readEvents(admin, 'rejected=true&from=4')).map(({ revision }) => revision);
    expect(revisions).toEqual([4, 5, 6, 7]);
  });

  test('are followed as they come', async () => {
    await using admin = await startAdmin();
    await publish(admin, ...HISTORY.slice(0, 4));
    const response = await openEvents(admin, 'rejected=true&follow=true');
    const views = eventLines(response);
    expect((await views.next()).value).toMatchObject({ revision: 3 });
    expect((await views.next()).value).toMatchObject({ revision: 4 });
    await publish(admin, ...HISTORY.slice(4));
    expect((await views.next()).value).toMatchObject({ revision: 5 });
    expect((await views.next()).value).toMatchObject({ revision: 7, rejection: { reason: 'unknown-pool' } });
    response.destroy();
  });

  test('stand among the others with what the node knows of them', async () => {
    await using admin = await startAdmin();
    await publish(admin, ...HISTORY.slice(0, 3));
    expect((await readEvents(admin, '')).map(({ rejection }) => rejection?.reason ?? null)).toEqual([
      null,
      null,
      'unknown-pool',
    ]);
    const response = await openEvents(admin, 'from=4&follow=true');
    await publish(admin, ['backend.q.b', { type: 'BackendRegistered', target: 'h:1' }]);
    expect((await eventLines(response).next()).value).toMatchObject({
      revision: 4,
      rejection: { reason: 'unknown-pool' },
    });
    response.destroy();
  });

  test('a range whose beginning is gone is refused with what is still there', async () => {
    await using admin = await startAdmin();
    await publish(admin, ...HISTORY);
    const { journal } = admin.node;
    const head = await journal.head();
    // As a journal answers whose first events were removed by retention.
    journal.head = async () => ({ ...head, firstRevision: 5 });
    const response = await fetch(`${admin.url}/v1/events?rejected=true&from=6`);
    expect(response.status).toBe(410);
    expect(await response.json()).toMatchObject({
      error: { code: 'compacted', message: expect.stringContaining('the journal holds 5 to 7') as string },
    });
  });
});
