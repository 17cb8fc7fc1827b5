/**
 * Passive ejection: a pool without a health policy learns from its traffic. A backend that refuses connections is taken out
 * after five of them, gets none while it is out, and gets its share again when its time is up. No client notices.
 */
import { expect, test } from 'vitest';
import { refusingTarget, startBackend, startNamedEcho } from '../harness/backend.ts';
import { nameBehind } from '../harness/client.ts';
import { onePool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

/** Long enough for the connections that a test makes meanwhile. */
const BASE_MS = 4_000;

test('a backend that refuses connections is out for a while', async () => {
  await using folder = await testFolder();
  await using well = await startNamedEcho('b-2');
  const refusing = await refusingTarget();
  const poolLines = `ejection = { consecutiveFailures = 5, baseMs = ${BASE_MS} }`;
  await using node = await startTestNode({ folder, config: onePool([refusing, well.target], { poolLines }) });
  const address = await node.address('front');
  const names = () => Promise.all(Array.from({ length: 10 }, () => nameBehind(address)));

  const served = new Set<string>();
  const [ejected] = await eventually('b-1 is ejected', async () => {
    for (const name of await names()) served.add(name);
    return ejections(node, 1);
  });
  expect(served).toEqual(new Set(['b-2']));
  const { revision, subject, payload } = ejected!;
  expect(subject).toMatch(/\.health\.lb-1\.p\.b-1$/);
  expect(payload).toMatchObject({ type: 'BackendEjected', target: refusing });
  expect(payload.reason).toMatch(/^5 failures in a row: .+; out for 4 s$/);
  const why = { isEligible: false, axis: 'ejection', value: 'ejected', revision, reason: payload.reason };
  expect((await pool(node)).backends[0]).toMatchObject({ id: 'b-1', eligibility: why });

  await using mended = await startBackend((socket) => socket.end('b-1\n'), Number(refusing.split(':')[1]));
  expect(new Set(await names())).toEqual(new Set(['b-2']));
  expect(mended.acceptedCount()).toBe(0);

  const [, reinstated] = await eventually('b-1 is reinstated', () => ejections(node, 2));
  expect(reinstated!.payload).toEqual({ type: 'BackendReinstated', target: refusing, reason: 'its time is up' });
  expect(Date.parse(reinstated!.time) - Date.parse(ejected!.time)).toBeGreaterThan(BASE_MS * 0.9);
  expect(new Set(await names())).toEqual(new Set(['b-1', 'b-2']));
});

interface EjectionEvent {
  readonly revision: number;
  readonly time: string;
  readonly subject: string;
  readonly payload: { readonly type: string; readonly target: string; readonly reason: string };
}

/** The ejections and reinstatements in the journal, once there are so many; null before. */
async function ejections({ admin }: TestNode, count: number): Promise<EjectionEvent[] | null> {
  const answer = await fetch(`${admin}/v1/events?from=1`);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '');
  const events = lines.map((line) => JSON.parse(line) as EjectionEvent);
  const found = events.filter(({ payload }) => /Ejected|Reinstated/.test(payload.type));
  return found.length >= count ? found : null;
}

async function pool({ admin }: TestNode): Promise<{ backends: object[] }> {
  const answer = await fetch(`${admin}/v1/pools/p`);
  return (await answer.json()) as { backends: object[] };
}
