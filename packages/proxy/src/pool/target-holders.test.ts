/** Who keeps a target, asked once and asked for every backend of a batch. */
import { emptyRoster, foldBatch, type MembershipEventInput, type Pool, type RecordedEvent } from '@muster/membership';
import { expect, test } from 'vitest';
import { TargetHolders } from './target-holders.ts';

let revision = 0;
function recorded(subject: string, event: MembershipEventInput): RecordedEvent {
  revision += 1;
  const id = `e-${revision}`;
  return {
    revision,
    timeMs: revision,
    id,
    subject: `muster.test.${subject}`,
    origin: null,
    payload: JSON.stringify(event),
  };
}

function poolOf(modes: readonly ('ready' | 'drain' | 'maint')[], targetOf: (index: number) => string): Pool {
  revision = 0;
  const events = [recorded('pool.p', { type: 'PoolDefined' })];
  for (const [index, mode] of modes.entries()) {
    events.push(recorded(`backend.p.b-${index}`, { type: 'BackendRegistered', target: targetOf(index) }));
    if (mode !== 'ready') events.push(recorded(`backend.p.b-${index}`, { type: 'BackendModeSet', mode }));
  }
  return foldBatch(emptyRoster('test'), events).roster.pools.get('p')!;
}

test('the first answer about a pool and all after it are the same', () => {
  const modes = ['ready', 'drain', 'maint', 'ready', 'maint', 'drain'] as const;
  const pool = poolOf(modes, (index) => `10.0.0.${index % 3}:80`);
  const asked = new TargetHolders();
  const answers = (holders: TargetHolders) => [0, 1, 2, 9].map((last) => holders.of(`10.0.0.${last}:80`, pool));
  const each = [0, 1, 2, 9].map((last) => new TargetHolders().of(`10.0.0.${last}:80`, pool));
  expect(answers(asked)).toEqual(each);
  expect(each).toMatchObject([
    { isReady: true },
    { isReady: false },
    { isReady: false },
    { isReady: false, sinceMs: null },
  ]);
  expect(each[1]!.sinceMs).toBeGreaterThan(0);
  expect(asked.of('10.0.0.0:80', undefined)).toEqual({ isReady: false, sinceMs: null });
});

test('a batch over a large pool walks it twice and not once a backend', () => {
  const pool = poolOf(Array(3_000).fill('maint'), (index) => `10.0.${index >> 8}.${index & 255}:80`);
  let walks = 0;
  const counted = {
    ...pool,
    backends: Object.assign(Object.create(pool.backends), {
      values: () => {
        walks += 1;
        return pool.backends.values();
      },
    }),
  } as Pool;
  const holders = new TargetHolders();
  for (const { target } of pool.backends.values()) expect(holders.of(target.value, counted).sinceMs).not.toBeNull();
  expect(walks).toBe(2);
});
