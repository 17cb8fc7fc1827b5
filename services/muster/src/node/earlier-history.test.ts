/** Who knows of an earlier history before a stream is made: this machine, or a node that is heard. */
import { emptyRoster, encodeSnapshot } from '@muster/membership';
import { expect, test, vi } from 'vitest';
import { earlierHistory } from './earlier-history.ts';

type Listen = Parameters<typeof earlierHistory>[0]['live']['listen'];

const announcement = {
  node: 'lb-2',
  instance: 'i',
  version: '1',
  epoch: 'E',
  revision: 40,
  hash: '0123456789abcdef',
  lag: 0,
  snapshotRevision: 0,
};

/** What is said a moment after somebody listens. */
function wire(...words: readonly { readonly subject: string; readonly text: string }[]) {
  let listenersCount = 0;
  const listen: Listen = (_, onMessage) => {
    listenersCount += 1;
    queueMicrotask(() => words.forEach((word) => onMessage({ ...word, answer: () => undefined })));
    return () => (listenersCount -= 1);
  };
  return { listen, left: () => listenersCount };
}

function disk(cluster: string | null) {
  const data = cluster === null ? '' : encodeSnapshot({ ...emptyRoster(cluster), revision: 7 });
  const stored = cluster === null ? null : { epoch: 'L', revision: 7, hash: 'h', data };
  return { load: () => Promise.resolve(stored), save: () => Promise.resolve() };
}

const spoken = { subject: 'muster-live.demo.node.lb-2', text: JSON.stringify(announcement) };

test('a node that is heard', async () => {
  const live = wire({ subject: 'muster-live.demo.node.lb-9', text: 'noise' }, spoken);
  const known = await earlierHistory({ cluster: 'demo', live, localSnapshot: disk(null) });
  expect(known).toBe('node lb-2 serves revision 40 of history E');
  expect(live.left()).toBe(0);
});

test('the local snapshot, without listening, unless it is of another cluster', async () => {
  const live = wire(spoken);
  const known = await earlierHistory({ cluster: 'demo', live, localSnapshot: disk('demo') });
  expect(known).toBe("this node's last snapshot is of revision 7 of history L");
  expect(await earlierHistory({ cluster: 'demo', live, localSnapshot: disk('other') })).toContain('node lb-2');
});

test('nobody, after two announcements’ time', async () => {
  vi.useFakeTimers();
  try {
    const live = wire();
    const asked = earlierHistory({ cluster: 'demo', live, localSnapshot: disk(null) });
    await vi.advanceTimersByTimeAsync(2_200);
    expect(await asked).toBeNull();
    expect(live.left()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
