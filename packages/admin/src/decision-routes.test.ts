/** Questions about decisions, as the admin API takes and answers them. */
import { expect, test } from 'vitest';
import { startAdmin } from '../testing/index.ts';

test('a question is passed on with its defaults, and the answer with who was silent', async () => {
  await using admin = await startAdmin();
  const ask = async (query: string) => (await fetch(`${admin.url}/v1/decisions${query}`)).json();
  expect(await ask('')).toEqual({ decisions: [], silentWorkers: [] });
  expect(admin.askedDecisions).toEqual({ requestId: null, limit: 20, withCandidates: false });
  admin.decisions = { outcome: 'found', decisions: [], silentWorkers: [1] };
  expect(await ask('?requestId=r-1&limit=100&candidates=true')).toEqual({ decisions: [], silentWorkers: [1] });
  expect(admin.askedDecisions).toEqual({ requestId: 'r-1', limit: 100, withCandidates: true });
});

test.each([
  'limit=0',
  'limit=101',
  'limit=x',
  'requestId=',
  'requestId=a%20b',
  `requestId=${'r'.repeat(257)}`,
  'candidates=maybe',
  'request=r-1',
])('%s is refused', async (query) => {
  await using admin = await startAdmin();
  const response = await fetch(`${admin.url}/v1/decisions?${query}`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: 'invalid' } });
  expect(admin.askedDecisions).toBeNull();
});

test('who asks too much is told to wait', async () => {
  await using admin = await startAdmin();
  admin.decisions = { outcome: 'busy' };
  const response = await fetch(`${admin.url}/v1/decisions`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error: { code: 'too-many-questions' } });
});

test.each([{}, { seconds: -1 }, { seconds: 3_601 }, { seconds: 1.5 }, { seconds: '60' }, { seconds: 60, pool: 'p' }])(
  'recording with %j is refused',
  async (body) => {
    await using admin = await startAdmin();
    const response = await fetch(`${admin.url}/v1/decisions/recording`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    const status = await (await fetch(`${admin.url}/v1/decisions/recording`)).json();
    const nothing = { isRecording: false, sinceMs: null, untilMs: null, recordedCount: 0, droppedCount: 0 };
    expect(status).toEqual(nothing);
  },
);
